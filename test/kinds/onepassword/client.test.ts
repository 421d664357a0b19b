/** The Connect server of our tests is one, as far as 1Password's own client can tell: what the client finds there, we read as well. */
import { createRequire } from 'node:module'
import { test } from 'tap'
import { within } from '../../contract/subject.ts'
import { idOf, itemAs } from './fake.ts'
import { openFakeConnect } from './fake-connect.ts'

interface Field {
  readonly label: string
  readonly value: string
}
interface Item {
  readonly id: string
  readonly title: string
  readonly version: number
  readonly tags: readonly string[]
  readonly fields: readonly Field[]
}
interface Client {
  readonly listVaults: () => Promise<readonly { readonly name: string }[]>
  readonly getVaultByTitle: (name: string) => Promise<{ readonly id: string }>
  readonly listItems: (vault: string) => Promise<readonly Item[]>
  readonly getItem: (vault: string, titleOrId: string) => Promise<Item>
  readonly listItemsByTitleContains: (vault: string, part: string) => Promise<readonly Item[]>
}

// CommonJS, and its types speak of a browser's.
const { OnePasswordConnect } = createRequire(import.meta.url)('@1password/connect')
const connectAs = (serverURL: string, token: string): Client =>
  OnePasswordConnect({ serverURL, token, keepAlive: false })

test("1Password's own client reads from the server of our tests what we read", async (t) => {
  const { wire, provider, addItem } = await openFakeConnect(t)
  const client = connectAs(wire.url, 'token-7')
  const vault = await client.getVaultByTitle('Purser')
  t.strictSame(
    (await client.listVaults()).map(({ name }) => name),
    ['Purser']
  )
  const title = 'Datenbank Zażółć/eins'
  addItem(
    itemAs(vault.id, title, {
      version: 4,
      tags: ['purser-read'],
      sections: [{ id: 's1', label: 'primary' }],
      fields: [
        { id: 'password', type: 'CONCEALED', purpose: 'PASSWORD', label: 'password', value: 'p"1' },
        { id: 'h', type: 'STRING', label: 'host', value: 'db', section: { id: 's1' } }
      ]
    })
  )
  const [entry] = await client.listItems(vault.id)
  t.equal(entry?.title, title)
  t.equal((await client.listItemsByTitleContains(vault.id, 'Daten')).length, 1)
  for (const name of [title, entry?.id ?? '']) {
    const theirs = await client.getItem(vault.id, name)
    const ours = await provider.read({ path: `Purser/${name}` }, within())
    const fields = JSON.parse(ours.text.reveal())
    t.equal(String(theirs.version), ours.version)
    t.strictSame([...theirs.tags], [...(ours.tags?.keys() ?? [])])
    for (const { label, value } of theirs.fields) t.equal(fields[label], value)
    t.equal(fields['primary.host'], 'db')
  }
})

test("what is not there, not allowed or unknown fails for 1Password's own client as well", async (t) => {
  const { wire } = await openFakeConnect(t)
  const client = connectAs(wire.url, 'token-7')
  const { id } = await client.getVaultByTitle('Purser')
  await t.rejects(client.getItem(id, 'absent'))
  const unknown = await client.getItem(id, idOf('absent')).catch((error: unknown) => error)
  t.match(unknown, { status: 404 })
  await t.rejects(client.getVaultByTitle('Other'))
  const forged = await connectAs(wire.url, 'forged')
    .listVaults()
    .catch((error: unknown) => error)
  t.match(forged, { status: 401 })
})
