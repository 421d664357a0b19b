/** Stores with their health, what holds them back and what they may still be asked. */
import type { ComponentChildren } from 'preact'
import { ago, count, words } from '../lib/text.ts'
import { useNow } from '../lib/use.ts'
import type { Store } from '../shapes.ts'
import { Chip } from './chip.tsx'
import { Name } from './name.tsx'
import { Nothing } from './notes.tsx'
import { type Column, Table } from './table.tsx'

const Health = ({ store: { trouble, lastCheck } }: { readonly store: Store }) => {
  if (trouble !== undefined) return <Chip tone="bad">{words(trouble)}</Chip>
  return lastCheck === undefined ? (
    <Chip tone="plain">not asked yet</Chip>
  ) : (
    <Chip tone="good">well</Chip>
  )
}

const Breakers = ({ breakers }: { readonly breakers: Store['breakers'] }) => {
  const open = Object.entries(breakers).filter(([, { state }]) => state !== 'closed')
  return open.length === 0 ? (
    <span class="dim">closed</span>
  ) : (
    <ul class="plain">
      {open.map(([what, { state, reason }]) => (
        <li key={what}>
          <Chip tone="warn">{`${what} ${state}`}</Chip>{' '}
          {reason !== undefined && <span class="small">{words(reason)}</span>}
        </li>
      ))}
    </ul>
  )
}

const Login = ({ login, now }: { readonly login: Store['login']; readonly now: number }) => {
  if (login === undefined) return <span class="dim">–</span>
  const { state, since, reason, nextTry } = login
  return (
    <>
      <Chip tone={state === 'accepted' ? 'good' : 'bad'}>{state}</Chip>{' '}
      <span class="small dim">
        {ago(since, now)}
        {reason !== undefined && `, ${words(reason)}`}
        {nextTry !== undefined && `, tried again ${ago(nextTry, now)}`}
      </span>
    </>
  )
}

export const StoreTable = ({
  stores,
  acts
}: {
  readonly stores: readonly Store[]
  readonly acts?: (store: Store) => ComponentChildren
}) => {
  const now = useNow()
  const columns: Column<Store>[] = [
    { title: 'Store', of: ({ name }) => <Name text={name} /> },
    { title: 'Kind', of: ({ kind }) => kind },
    { title: 'Health', of: (store) => <Health store={store} /> },
    {
      title: 'Last check',
      of: ({ lastCheck }) =>
        lastCheck === undefined
          ? '–'
          : `${ago(lastCheck.at, now)}${lastCheck.reason === undefined ? '' : `, ${words(lastCheck.reason)}`}`
    },
    { title: 'Breakers', of: ({ breakers }) => <Breakers breakers={breakers} /> },
    { title: 'Our login', of: ({ login }) => <Login login={login} now={now} /> },
    {
      title: 'Quota left',
      look: 'number',
      of: ({ quotaLeft }) => (quotaLeft === undefined ? 'none set' : count(quotaLeft))
    }
  ]
  if (acts !== undefined) columns.push({ title: 'What to do', look: 'acts', of: acts })
  return stores.length === 0 ? (
    <Nothing>No store is configured.</Nothing>
  ) : (
    <Table
      caption="Each store as this process last knew it"
      columns={columns}
      rows={stores}
      keyOf={({ name }) => name}
    />
  )
}
