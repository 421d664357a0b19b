/** Stores and what stands in them: names and versions where policy allows it, cached or not; a new version. */
import { useState } from 'preact/hooks'
import { ask } from '../lib/api.ts'
import { useForm } from '../lib/form.ts'
import { hashOf } from '../lib/place.ts'
import { ago, count, plural } from '../lib/text.ts'
import { type Asked, useAct, useAsk, useNow } from '../lib/use.ts'
import { Chip } from '../pieces/chip.tsx'
import { ChoiceField, TextField } from '../pieces/fields.tsx'
import { Head, Sheet } from '../pieces/frame.tsx'
import { Name } from '../pieces/name.tsx'
import { announce, Loaded, Nothing, ProblemNote } from '../pieces/notes.tsx'
import { Of } from '../pieces/of.tsx'
import { StoreTable } from '../pieces/store-table.tsx'
import { type Column, Table } from '../pieces/table.tsx'
import type { Stores as StoresAnswer } from '../shapes.ts'
import type { NamedSecret, Names } from '../shapes-console.ts'
import type { ViewProps } from '../shell.tsx'
import { WriteSecret } from './stores-write.tsx'

interface DropProps {
  readonly what: { readonly ref: string } | { readonly store: string } | { readonly all: 'true' }
  readonly label: string
  readonly of: string
  readonly onDone: () => void
}

interface Dropped {
  readonly dropped: number
  readonly pending?: boolean
}

const Drop = ({ what, label, of, onDone }: DropProps) => {
  const { isBusy, problem, run } = useAct()
  const drop = async (): Promise<void> => {
    const { dropped } = await ask<Dropped>('/v1/admin/cache', { method: 'DELETE', query: what })
    announce(`${plural(dropped, 'cached secret')} dropped.`)
    onDone()
  }
  return (
    <>
      <button type="button" class="small" disabled={isBusy} onClick={() => run(drop)}>
        {label}
        <Of what={of} />
      </button>
      <ProblemNote problem={problem} />
    </>
  )
}

interface ListedProps {
  readonly asked: Asked<Names>
  readonly query: ViewProps['query']
  readonly mayAct: boolean
  readonly write: (reference: string) => void
}

const columnsOf = (
  now: number,
  { mayAct, write }: Pick<ListedProps, 'mayAct' | 'write'>,
  again: () => void
): readonly Column<NamedSecret>[] => [
  { title: 'Name', of: ({ path }) => <Name text={path} /> },
  {
    title: 'Version',
    of: ({ version }) => (version === undefined ? '–' : <Name text={version} />)
  },
  {
    title: 'Fetched',
    of: ({ fetchedAt }) => (fetchedAt === undefined ? '–' : ago(fetchedAt, now))
  },
  {
    title: 'Cache',
    of: ({ cached }) => (
      <Chip tone={cached ? 'good' : 'plain'}>{cached ? 'cached' : 'not cached'}</Chip>
    )
  },
  {
    title: 'What to do',
    look: 'acts',
    of: ({ path, reference, cached, writable }) => (
      <>
        <a href={hashOf('access', { reference })}>
          Who may read
          <Of word="" what={path} />
        </a>{' '}
        <a href={hashOf('audit', { reference })}>
          Audit
          <Of what={path} />
        </a>{' '}
        {mayAct && cached && (
          <Drop what={{ ref: reference }} label="Drop from the cache" of={path} onDone={again} />
        )}{' '}
        {mayAct && writable && (
          <button type="button" class="small" onClick={() => write(reference)}>
            New version
            <Of what={path} />
          </button>
        )}
      </>
    )
  }
]

const Listed = ({ asked, query, ...acts }: ListedProps) => {
  const now = useNow()
  return (
    <Loaded asked={asked}>
      {({ names, cursor: next, isPartial }) => (
        <>
          {names.length === 0 ? (
            <Nothing>Nothing stands there that policy lets you see.</Nothing>
          ) : (
            <Table
              caption="Names that policy lets your client see; never a value"
              columns={columnsOf(now, acts, asked.again)}
              rows={names}
              keyOf={({ reference }) => reference}
            />
          )}
          {isPartial && <p class="note warn">A folder is not listed for the service.</p>}
          {next !== undefined && (
            <p>
              <a href={hashOf('stores', { ...query, cursor: next })}>More names</a>
            </p>
          )}
        </>
      )}
    </Loaded>
  )
}

interface BelowProps {
  readonly query: ViewProps['query']
  readonly stores: readonly string[]
  readonly mayAct: boolean
}

const Below = ({ query, stores, mayAct }: BelowProps) => {
  const form = useForm('stores', query)
  const [written, setWritten] = useState<string>()
  const { store, path, cursor } = query
  const asked = useAsk<Names>(store ? '/names' : undefined, { store, path, cursor })
  return (
    <Sheet
      title="Names in a store"
      acts={
        mayAct && (
          <button type="button" onClick={() => setWritten('')}>
            Write a new version
          </button>
        )
      }
    >
      <form onSubmit={form.go}>
        <div class="row">
          <ChoiceField
            label="Store"
            value={form.value('store')}
            onText={form.set('store')}
            options={[['', 'choose one'], ...stores.map((name) => [name, name] as const)]}
          />
          <TextField
            label="Below"
            isWide
            placeholder="team/ (all of the store if empty)"
            value={form.value('path')}
            onText={form.set('path')}
          />
          <button type="submit">List</button>
        </div>
      </form>
      {store && <Listed asked={asked} query={query} mayAct={mayAct} write={setWritten} />}
      {written !== undefined && (
        <WriteSecret
          reference={written}
          onClose={(isChanged) => {
            setWritten(undefined)
            if (isChanged) asked.again()
          }}
        />
      )}
    </Sheet>
  )
}

export const Stores = ({ query, session }: ViewProps) => {
  const asked = useAsk<StoresAnswer>('/v1/admin/stores')
  const mayAct = session.mode.includes('w')
  const drop = ({ name }: { readonly name: string }) =>
    mayAct && <Drop what={{ store: name }} label="Drop its cache" of={name} onDone={asked.again} />
  return (
    <>
      <Head title="Stores and references" />
      <Loaded asked={asked}>
        {({ stores, replicas }) => (
          <>
            <Sheet title="Stores">
              <StoreTable stores={stores} acts={drop} />
              <p class="small dim">Replicas that share the quotas: {count(replicas)}.</p>
            </Sheet>
            <Below query={query} stores={stores.map(({ name }) => name)} mayAct={mayAct} />
          </>
        )}
      </Loaded>
    </>
  )
}
