/** API keys: those that were seen, their use and end; issuing and revoking; how far a rotation has come. */
import { useEffect, useState } from 'preact/hooks'
import { useForm } from '../lib/form.ts'
import { hashOf } from '../lib/place.ts'
import { ago, clip } from '../lib/text.ts'
import { type Asked, useAsk, useNow } from '../lib/use.ts'
import { Chip } from '../pieces/chip.tsx'
import { TextField } from '../pieces/fields.tsx'
import { focusHeading, Head, Sheet } from '../pieces/frame.tsx'
import { Name } from '../pieces/name.tsx'
import { Loaded, Nothing } from '../pieces/notes.tsx'
import { Of } from '../pieces/of.tsx'
import { type Column, Table } from '../pieces/table.tsx'
import type { Keys as Answer, EncryptionKeys, KeyUse } from '../shapes.ts'
import type { ViewProps } from '../shell.tsx'
import { IssueKey } from './keys-issue.tsx'
import { RevokeKey } from './keys-revoke.tsx'
import { Rotation } from './keys-rotation.tsx'

const PAGE = '200'

const State = ({ use, now }: { readonly use: KeyUse; readonly now: number }) => {
  if (use.revoked) return <Chip tone="bad">revoked</Chip>
  if (use.expiresAt === undefined) return <Chip tone="good">no end</Chip>
  const isOver = new Date(use.expiresAt).getTime() <= now
  return (
    <>
      <Chip tone={isOver ? 'bad' : 'good'}>{isOver ? 'ended' : 'in force'}</Chip>
      <div class="small dim">
        {isOver ? ago(use.expiresAt, now) : `ends ${ago(use.expiresAt, now)}`}
      </div>
    </>
  )
}

const columnsOf = (
  now: number,
  mayAct: boolean,
  revoke: (use: KeyUse) => void
): readonly Column<KeyUse>[] => [
  {
    title: 'Client',
    of: ({ client, keyId }) => (
      <>
        <Name text={client} />
        <div class="small dim mono">{keyId}</div>
      </>
    )
  },
  {
    title: 'May',
    of: ({ mode, scopes, networks = [] }) => (
      <>
        {mode}: <Name text={scopes.join(' ')} />
        {networks.length > 0 && (
          <div class="small dim">
            from <Name text={networks.join(', ')} />
          </div>
        )}
      </>
    )
  },
  { title: 'Last used', of: ({ lastUsed }) => ago(lastUsed, now) },
  { title: 'First seen', of: ({ firstSeen }) => ago(firstSeen, now) },
  { title: 'State', of: (use) => <State use={use} now={now} /> },
  { title: 'Encryption key', of: ({ kid }) => <span class="mono">{kid}</span> },
  {
    title: 'What to do',
    look: 'acts',
    of: (use) => (
      <>
        <a href={hashOf('audit', { keyId: use.keyId })}>
          Audit
          <Of word="of key" what={clip(use.keyId, 8)} />
        </a>{' '}
        {mayAct && !use.revoked && (
          <button type="button" class="small danger" onClick={() => revoke(use)}>
            Revoke
            <Of word="key" what={`${clip(use.keyId, 8)} of ${use.client}`} />
          </button>
        )}
      </>
    )
  }
]

interface SeenProps {
  readonly asked: Asked<Answer>
  readonly query: ViewProps['query']
  readonly mayAct: boolean
  readonly revoke: (use: KeyUse) => void
}

const Seen = ({ asked, query, mayAct, revoke }: SeenProps) => {
  const now = useNow()
  const { client = '', cursor } = query
  return (
    <Loaded asked={asked}>
      {({ keys, cursor: next }) => {
        const rows = keys.filter(
          (use) => use.client.includes(client) || use.keyId.startsWith(client)
        )
        return (
          <>
            {rows.length === 0 ? (
              <Nothing>No such key was used here. A key shows up with its first use.</Nothing>
            ) : (
              <Table
                caption="Keys that were used here, with their last use to the minute"
                columns={columnsOf(now, mayAct, revoke)}
                rows={rows}
                keyOf={({ keyId }) => keyId}
              />
            )}
            {(next !== undefined || cursor !== undefined) && (
              <p>
                {cursor !== undefined && <a href={hashOf('keys', { client })}>First keys</a>}{' '}
                {next !== undefined && (
                  <a href={hashOf('keys', { client, cursor: next })}>More keys</a>
                )}
              </p>
            )}
          </>
        )
      }}
    </Loaded>
  )
}

type Open = { readonly kind: 'issue' } | { readonly kind: 'revoke'; readonly use: KeyUse }

export const Keys = ({ query, session }: ViewProps) => {
  const form = useForm('keys', query)
  const [open, setOpen] = useState<Open>()
  const [changes, setChanges] = useState(0)
  const asked = useAsk<Answer>('/v1/admin/keys', { limit: PAGE, cursor: query['cursor'] })
  const rotation = useAsk<EncryptionKeys>('/v1/admin/encryption-keys')
  const mayAct = session.mode.includes('w')
  const close = (isChanged: boolean): void => {
    setOpen(undefined)
    if (!isChanged) return
    asked.again()
    rotation.again()
    setChanges((last) => last + 1)
  }
  // The button that opened the dialog goes with what it was for. Once the dialog is gone: it keeps the focus inside.
  useEffect(() => {
    if (changes > 0) focusHeading()
  }, [changes])
  return (
    <>
      <Head title="Keys">
        {mayAct && (
          <button type="button" class="main" onClick={() => setOpen({ kind: 'issue' })}>
            Issue a key
          </button>
        )}
      </Head>
      <Sheet title="API keys">
        <form onSubmit={form.go}>
          <div class="row">
            <TextField
              label="Client or key id"
              isWide
              type="search"
              value={form.value('client')}
              onText={form.set('client')}
            />
            <button type="submit">Show</button>
          </div>
        </form>
        <Seen
          asked={asked}
          query={query}
          mayAct={mayAct}
          revoke={(use) => setOpen({ kind: 'revoke', use })}
        />
      </Sheet>
      <Sheet title="Rotation of the encryption key">
        <Loaded asked={rotation}>{(report) => <Rotation report={report} />}</Loaded>
      </Sheet>
      {open?.kind === 'issue' && <IssueKey session={session} onClose={close} />}
      {open?.kind === 'revoke' && <RevokeKey use={open.use} onClose={close} />}
    </>
  )
}
