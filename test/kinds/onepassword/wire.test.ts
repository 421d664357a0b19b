/** What the common suite cannot know of 1Password Connect: names and ids, and what is archived or closed. */
import { test } from 'tap'
import { listCases } from '../../contract/list-suite.ts'
import { tagCases } from '../../contract/many-suite.ts'
import { faultOf, unwrapped, within, wrapped } from '../../contract/subject.ts'
import { createCanary, everythingIn } from '../../support/canary.ts'
import { createDeps } from '../../support/provider-deps.ts'
import { type Dialect, openWire } from '../../support/wire.ts'
import {
  connectToWire,
  type FakeField,
  type FakeItem,
  idOf,
  itemAs,
  json,
  onePasswordDialect,
  onePasswordSubject
} from './fake.ts'
import { type FakeConnect, openFakeConnect } from './fake-connect.ts'

const VAULT = idOf('vault Purser')

const readFields = async ({ provider }: FakeConnect, path: string) =>
  JSON.parse((await provider.read({ path }, within())).text.reveal())

const withFields = (fields: readonly FakeField[], more: Partial<FakeItem> = {}): FakeItem =>
  itemAs(VAULT, 'db', { fields, ...more })

test('onepassword-connect against a server that remembers', async (suite) => {
  const connect = await openFakeConnect(suite)
  const { provider, seed } = connect
  const { path, specialNames, largestTextBytes } = onePasswordSubject
  listCases(suite, onePasswordSubject, connect)
  tagCases(suite, onePasswordSubject, connect)

  for (const name of [...specialNames, 'quotes/Zażółć "a" \\ {b}']) {
    suite.test(`the title ${name} is read as it is written`, async (t) => {
      const text = `of ${name}\n\ttabbed`
      const { version } = await seed(path(name), wrapped(onePasswordSubject, text))
      const record = await provider.read({ path: path(name) }, within())
      t.equal(unwrapped(onePasswordSubject, record), text)
      t.equal(record.version, version)
    })
  }

  suite.test('an empty text is a text, and the largest comes whole', async (t) => {
    for (const text of ['', 'x'.repeat(largestTextBytes)]) {
      await seed(path('sizes/one'), wrapped(onePasswordSubject, text))
      const record = await provider.read({ path: path('sizes/one') }, within())
      t.ok(unwrapped(onePasswordSubject, record) === text)
    }
  })

  suite.test('concurrent reads do not mix up their answers', async (t) => {
    const names = Array.from({ length: 20 }, (_, i) => `concurrent/n${i}`)
    for (const name of names) await seed(path(name), wrapped(onePasswordSubject, name))
    const records = await Promise.all(
      names.map((name) => provider.read({ path: path(name) }, within()))
    )
    t.strictSame(
      records.map((record) => unwrapped(onePasswordSubject, record)),
      names
    )
  })

  suite.test('only the present version is there to be asked for', async (t) => {
    const where = path('versions/one')
    await seed(where, wrapped(onePasswordSubject, 'first'))
    const { version } = await seed(where, wrapped(onePasswordSubject, 'second'))
    t.equal((await provider.read({ path: where, version }, within())).version, version)
    for (const other of ['1', '999']) {
      const fault = await faultOf(provider.read({ path: where, version: other }, within()))
      t.equal(fault.reason, 'not_found')
    }
  })
})

test('vaults and items are found by name and by id, in any mixture', async (t) => {
  const connect = await openFakeConnect(t)
  const { id } = connect.addItem(withFields([{ id: 'password', label: 'password', value: 'v' }]))
  for (const path of ['Purser/db', `Purser/${id}`, `${VAULT}/db`, `${VAULT}/${id}`]) {
    t.strictSame(await readFields(connect, path), { password: 'v' }, path)
  }
  const { length } = connect.wire.reads
  await readFields(connect, `${VAULT}/${id}`)
  t.equal(connect.wire.reads.length - length, 1, 'ids are asked for at once')
})

test('what is not there is not found, by whichever name', async (t) => {
  const { provider, addItem } = await openFakeConnect(t)
  addItem(withFields([]))
  const nobody = idOf('nobody')
  for (const path of [
    'Purser/DB',
    'purser/db',
    'Purser/d',
    'Other/db',
    `Purser/${nobody}`,
    `${nobody}/db`
  ]) {
    t.equal((await faultOf(provider.read({ path }, within()))).reason, 'not_found', path)
  }
})

test('what several have as their name means none of them', async (t) => {
  const { provider, addItem, addVault } = await openFakeConnect(t)
  const [one, two] = ['one', 'two'].map((name) =>
    addItem(withFields([{ id: 'a', value: name }], { id: idOf(name) }))
  )
  const fault = await faultOf(provider.read({ path: 'Purser/db' }, within()))
  t.match(fault, { reason: 'misconfigured', code: 'ambiguous_title' })
  t.strictSame((await provider.list('Purser/', { limit: 9 }, within())).paths, [
    ...[one?.id, two?.id].map((id) => `Purser/${id}`).sort()
  ])
  addVault('Purser', idOf('the other'))
  const other = await faultOf(provider.read({ path: `Purser/${one?.id}` }, within()))
  t.match(other, { reason: 'misconfigured', code: 'ambiguous_vault' })
  t.equal((await provider.read({ path: `${VAULT}/${one?.id}` }, within())).version, '1')
})

test('what was archived is not found, not listed, and makes no title ambiguous', async (t) => {
  const connect = await openFakeConnect(t)
  const gone = connect.addItem(withFields([], { id: idOf('gone'), state: 'ARCHIVED' }))
  connect.addItem(withFields([], { id: idOf('older'), trashed: true }))
  const fault = await faultOf(connect.provider.read({ path: `Purser/${gone.id}` }, within()))
  t.equal(fault.reason, 'not_found')
  t.equal(
    (await faultOf(connect.provider.read({ path: 'Purser/db' }, within()))).reason,
    'not_found'
  )
  connect.addItem(withFields([{ id: 'a', label: 'a', value: 'here' }]))
  t.strictSame(await readFields(connect, 'Purser/db'), { a: 'here' })
  const { paths } = await connect.provider.list('', { limit: 9 }, within())
  t.strictSame(paths, ['Purser/db'])
})

test('titles that a reference cannot have are listed by their ids', async (t) => {
  const { provider, addItem } = await openFakeConnect(t)
  const titles = [
    'https://db.example',
    '../up',
    'a\nb',
    idOf('looks like one'),
    '',
    'x'.repeat(1_024)
  ]
  const ids = titles.map((title) => addItem(itemAs(VAULT, title)).id)
  const { paths } = await provider.list('Purser/', { limit: 99 }, within())
  t.strictSame(paths, ids.map((id) => `Purser/${id}`).sort())
})

test('a store with a list of vaults asks for no other', async (t) => {
  const { provider, addVault, addItem, wire } = await openFakeConnect(t, ['Purser'])
  const other = addVault('Other')
  addItem(itemAs(other.id, 'db'))
  for (const path of ['Other/db', `${other.id}/db`, `${VAULT}/db`]) {
    t.match(await faultOf(provider.read({ path }, within())), { code: 'vault' }, path)
  }
  t.match(await faultOf(provider.list('Other/', { limit: 9 }, within())), { code: 'vault' })
  t.equal(wire.reads.length, 0)
  t.strictSame((await provider.list('', { limit: 9 }, within())).paths, [])
  await provider.check(within())
})

test('a check fails where a vault of the store is not there, or two are, or none at all', async (t) => {
  const twice = await openFakeConnect(t, ['Purser'])
  twice.addVault('Purser', idOf('the other'))
  const ambiguous = await faultOf(twice.provider.check(within()))
  t.match(ambiguous, { reason: 'misconfigured', code: 'ambiguous_vault' })
  const { provider } = await openFakeConnect(t, ['Purser', 'Missing'])
  t.match(await faultOf(provider.check(within())), { reason: 'misconfigured', code: 'vault' })
  const none: Dialect = { ...onePasswordDialect, found: () => json(200, []) }
  const wire = await openWire(t, none, { read: 'found', text: '' })
  const empty = await connectToWire(t, wire, createDeps())
  t.teardown(() => empty.close())
  t.match(await faultOf(empty.check(within())), { reason: 'misconfigured', code: 'vault' })
})

test('pages go through many vaults, each once', async (t) => {
  const { provider, addVault, addItem } = await openFakeConnect(t)
  const names = Array.from({ length: 40 }, (_, i) => `v${i}`)
  for (const name of names) {
    const { id } = addVault(name)
    for (const title of ['a', 'b']) addItem(itemAs(id, title))
  }
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const page = { limit: 7, ...(cursor !== undefined && { cursor }) }
    const listing = await provider.list('', page, within())
    seen.push(...listing.paths)
    cursor = listing.cursor
  } while (cursor !== undefined && seen.length < 500)
  t.strictSame(seen, names.flatMap((name) => [`${name}/a`, `${name}/b`]).sort())
})

test('a vault that is not wanted is not asked, and one that is closed does not hide the others', async (t) => {
  const { provider, addVault, addItem, closed, wire } = await openFakeConnect(t)
  const [open, shut] = ['Open', 'Shut'].map((name) => addVault(name).id)
  for (const id of [open, shut, VAULT]) addItem(itemAs(id ?? '', 'db'))
  closed.add(shut ?? '')
  const isWantedBelow = (folder: string) => folder !== 'Purser/'
  const { paths, unlisted } = await provider.list('', { limit: 9, isWantedBelow }, within())
  t.strictSame(paths, ['Open/db'])
  t.match(unlisted, [{ path: 'Shut/', fault: { reason: 'denied' } }])
  t.notOk(wire.reads.some(({ url }) => url.includes(VAULT)))
  t.equal((await faultOf(provider.list('Shut/', { limit: 9 }, within()))).reason, 'denied')
})

test('an answer about another item or another vault is none', async (t) => {
  const canary = createCanary()
  const value = [{ id: 'a', value: canary.token }]
  for (const item of [
    itemAs(VAULT, 'db', { id: idOf('other'), fields: value }),
    itemAs(idOf('other'), 'db', { id: idOf('db'), fields: value })
  ]) {
    const dialect: Dialect = { ...onePasswordDialect, found: () => json(200, item) }
    const wire = await openWire(t, dialect, { read: 'found', text: '' })
    const provider = await connectToWire(t, wire, createDeps())
    t.teardown(() => provider.close())
    const fault = await faultOf(provider.read({ path: `${VAULT}/${idOf('db')}` }, within()))
    t.equal(fault.reason, 'invalid_answer')
    t.strictSame(canary.findIn(everythingIn(fault)), [])
  }
})
