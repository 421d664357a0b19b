/** How far a rotation of the encryption key has come: what stands under the active one, and who is still to come. */
import { rotationOf } from '../lib/rotation.ts'
import { ago, count, plural } from '../lib/text.ts'
import { useNow } from '../lib/use.ts'
import { Chip } from '../pieces/chip.tsx'
import { Name } from '../pieces/name.tsx'
import { Table } from '../pieces/table.tsx'
import type { EncryptionKey, EncryptionKeys } from '../shapes.ts'

const Sealed = ({ sealed }: Pick<EncryptionKey, 'sealed'>) => {
  const left = Object.entries(sealed).filter(([, number]) => number > 0)
  return left.length === 0 ? (
    <span class="dim">nothing</span>
  ) : (
    <span>{left.map(([what, number]) => `${count(number)} ${what}`).join(', ')}</span>
  )
}

const Clients = ({
  clients,
  now
}: {
  readonly clients: EncryptionKey['clients']
  readonly now: number
}) =>
  clients.length === 0 ? (
    <span class="dim">nobody</span>
  ) : (
    <ul class="plain">
      {clients.map(({ client, keys, lastUsed, quiet }) => (
        <li key={client}>
          <Name text={client} /> {quiet && <Chip tone="plain">quiet</Chip>}{' '}
          <span class="small dim">
            {plural(keys, 'key')}, last used {ago(lastUsed, now)}
          </span>
        </li>
      ))}
    </ul>
  )

const May = ({ one: { active, mayGo } }: { readonly one: EncryptionKey }) => {
  if (active) return <Chip tone="good">active</Chip>
  return <Chip tone={mayGo ? 'good' : 'warn'}>{mayGo ? 'may go' : 'still needed'}</Chip>
}

export const Rotation = ({ report }: { readonly report: EncryptionKeys }) => {
  const now = useNow()
  const { moved, all } = rotationOf(report.encryptionKeys)
  return (
    <>
      <div>
        <label for="rotation">
          {all === 0
            ? 'No API key in use was seen yet.'
            : `${count(moved)} of ${plural(all, 'API key')} in force stand under the active encryption key.`}
        </label>
        <progress id="rotation" max={Math.max(all, 1)} value={all === 0 ? 0 : moved}>
          {moved} of {all}
        </progress>
      </div>
      {report.missing.length > 0 && (
        <p class="note bad">
          Something is sealed under {plural(report.missing.length, 'encryption key')} that nobody
          has any more: <span class="mono">{report.missing.map(({ kid }) => kid).join(', ')}</span>
        </p>
      )}
      <Table
        caption="In the order of ENCRYPTION_KEYS"
        rows={report.encryptionKeys}
        keyOf={({ kid }) => kid}
        columns={[
          { title: 'Encryption key', of: ({ kid }) => <span class="mono">{kid}</span> },
          { title: 'State', of: (one) => <May one={one} /> },
          { title: 'Keys in force', look: 'number', of: ({ keys }) => count(keys) },
          { title: 'Sealed under it', of: ({ sealed }) => <Sealed sealed={sealed} /> },
          { title: 'Whose keys', of: ({ clients }) => <Clients clients={clients} now={now} /> }
        ]}
      />
    </>
  )
}
