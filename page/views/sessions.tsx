/** Who is signed in to this page, oneself and others, and the end of that. */
import { useEffect, useState } from 'preact/hooks'
import { hashOf } from '../lib/place.ts'
import { ago, clip } from '../lib/text.ts'
import { useAsk, useNow } from '../lib/use.ts'
import { Chip } from '../pieces/chip.tsx'
import { AskedHead, focusHeading, Sheet } from '../pieces/frame.tsx'
import { Name } from '../pieces/name.tsx'
import { Loaded, Nothing } from '../pieces/notes.tsx'
import { Of } from '../pieces/of.tsx'
import { type Column, Table } from '../pieces/table.tsx'
import type { OpenSession, OpenSessions } from '../shapes.ts'
import type { ViewProps } from '../shell.tsx'
import { type Ending, EndSessions } from './sessions-end.tsx'

const BY: Readonly<Record<OpenSession['signedInBy'], string>> = {
  key: 'by a key',
  provider: 'at a provider',
  code: 'by the link of npm start'
}

const Who = ({ client, user, subject, keyId, sessionId }: OpenSession) => (
  <>
    <Name text={client} />
    <div class="small dim">
      {user === undefined ? null : <Name text={user} />}
      {user === undefined && subject !== undefined ? <Name text={subject} /> : null}
      {keyId !== undefined && <span class="mono">key {clip(keyId, 8)}</span>} session{' '}
      <span class="mono">{clip(sessionId, 8)}</span>
    </div>
  </>
)

const SignedIn = ({ one, now }: { readonly one: OpenSession; readonly now: number }) => (
  <>
    {ago(one.signedInAt, now)}, {BY[one.signedInBy]}
    {one.reauthenticatedAt !== undefined && (
      <div class="small dim">once more {ago(one.reauthenticatedAt, now)}</div>
    )}
  </>
)

const Acts = ({
  one,
  mayEnd,
  end
}: {
  readonly one: OpenSession
  readonly mayEnd: boolean
  readonly end: (ending: Ending) => void
}) => (
  <>
    <a href={hashOf('audit', { client: one.client })}>
      Audit
      <Of what={one.client} />
    </a>{' '}
    {one.current ? (
      <Chip tone="good">this one</Chip>
    ) : (
      mayEnd && (
        <button type="button" class="small danger" onClick={() => end({ kind: 'one', one })}>
          End
          <Of word="session" what={`${clip(one.sessionId, 8)} of ${one.client}`} />
        </button>
      )
    )}
  </>
)

const columnsOf = (
  now: number,
  mayEndAll: boolean,
  end: (ending: Ending) => void
): readonly Column<OpenSession>[] => [
  { title: 'Who', of: (one) => <Who {...one} /> },
  { title: 'Mode', of: ({ mode }) => mode },
  { title: 'Signed in', of: (one) => <SignedIn one={one} now={now} /> },
  {
    title: 'Last act',
    of: ({ lastActAt, address }) => (
      <>
        {ago(lastActAt, now)}
        {address !== undefined && (
          <div class="small dim">
            from <Name text={address} />
          </div>
        )}
      </>
    )
  },
  { title: 'Ends', of: ({ endsAt }) => ago(endsAt, now) },
  {
    title: 'What to do',
    look: 'acts',
    of: (one) => <Acts one={one} mayEnd={one.own || mayEndAll} end={end} />
  }
]

const captionOf = (own: boolean): string =>
  own
    ? 'Sessions of the same key or user as this one, the newest first'
    : 'Sessions of other administrators, the newest first'

export const Sessions = ({ session }: ViewProps) => {
  const [ending, setEnding] = useState<Ending>()
  const [changes, setChanges] = useState(0)
  const now = useNow()
  const asked = useAsk<OpenSessions>('/v1/admin/sessions')
  const [mayEndAll, maySee] = ['w', 'r'].map((letter) => session.mode.includes(letter))
  const close = (isChanged: boolean): void => {
    setEnding(undefined)
    if (!isChanged) return
    asked.again()
    setChanges((last) => last + 1)
  }
  // As where a key is revoked: the button that opened the dialog goes with its row.
  useEffect(() => {
    if (changes > 0) focusHeading()
  }, [changes])
  const table = (rows: readonly OpenSession[], own: boolean) => (
    <Table
      caption={captionOf(own)}
      columns={columnsOf(now, mayEndAll === true, setEnding)}
      rows={rows}
      keyOf={({ sessionId }) => sessionId}
    />
  )
  return (
    <>
      <AskedHead title="Sessions" act="Look again" asked={asked} />
      <Loaded asked={asked}>
        {({ sessions }) => {
          const own = sessions.filter((one) => one.own)
          const others = sessions.filter((one) => !one.own)
          return (
            <>
              <Sheet
                title="Your own"
                acts={
                  own.some(({ current }) => !current) && (
                    <button type="button" class="danger" onClick={() => setEnding({ kind: 'own' })}>
                      End all but this one
                    </button>
                  )
                }
              >
                {own.length === 0 ? (
                  <Nothing>This one is not listed yet: it will be with your next act.</Nothing>
                ) : (
                  table(own, true)
                )}
              </Sheet>
              {maySee && (
                <Sheet title="Of others">
                  {others.length === 0 ? (
                    <Nothing>Nobody else is signed in.</Nothing>
                  ) : (
                    table(others, false)
                  )}
                </Sheet>
              )}
            </>
          )
        }}
      </Loaded>
      {ending !== undefined && <EndSessions ending={ending} onClose={close} />}
    </>
  )
}
