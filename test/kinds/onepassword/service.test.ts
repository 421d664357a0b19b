/** Items of 1Password through the whole service: what people have copied works, policies and tags hold, and nothing leaks. */
import { test } from 'tap'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { createCanary } from '../../support/canary.ts'
import { idOf, itemAs } from './fake.ts'
import { openFakeConnect } from './fake-connect.ts'

const VAULT = idOf('vault Purser')

test('1Password through the whole service', async (suite) => {
  const canary = createCanary()
  const { wire, addItem } = await openFakeConnect(suite)
  const { id } = addItem(
    itemAs(VAULT, 'my db', {
      tags: ['purser-read'],
      sections: [{ id: 's1', label: 'primary' }],
      fields: [
        { id: 'password', label: 'password', value: canary.token },
        { id: 'h', label: 'host', value: 'db.internal', section: { id: 's1' } }
      ]
    })
  )
  addItem(itemAs(VAULT, 'untagged', { fields: [{ id: 'a', label: 'a', value: canary.token }] }))
  for (const n of ['1', '2']) {
    addItem(itemAs(VAULT, 'twice', { id: idOf(n), fields: [{ id: 'a', value: canary.token }] }))
  }
  const built = await buildTestApp(suite, {
    yaml: `
stores:
  - name: onepassword
    kind: onepassword-connect
    address: ${wire.url}
    token: { env: OP_CONNECT_TOKEN }
    vaults: [Purser]
    requireTags: { purser-read: "true" }
policies:
  - { client: all, read: ['onepassword:Purser/**'] }
  - { client: one, read: ['onepassword:Purser/my%20db#primary.host'] }
secrets:
  db-password: op://Purser/my db/password
`,
    environ: { OP_CONNECT_TOKEN: 'token-1' },
    env: { CACHE_TTL_SECONDS: '0' }
  })
  const readerOf = async (client: string) => {
    const { ask, read } = await built.as(client, 'rw')
    return { get: (url: string) => ask('GET', url), read }
  }
  const all = await readerOf('all')
  const one = await readerOf('one')

  suite.test('a reference that was copied from 1Password is read', async (t) => {
    const password = await all.read('op://Purser/my db/password')
    t.match(password.json(), { ref: 'onepassword:Purser/my%20db#password', value: canary.token })
    const host = await all.read('op://Purser/my db/primary/host')
    t.match(host.json(), { value: 'db.internal' })
    t.match((await all.read(`op://Purser/${id}/password`)).json(), { value: canary.token })
    t.match((await all.read('onepassword:Purser/my db#host')).json(), { value: 'db.internal' })
    t.match((await all.get('/v1/secrets/db-password')).json(), { value: canary.token })
  })

  suite.test('what no rule names is denied, by whichever name', async (t) => {
    t.equal((await one.read('op://Purser/my db/primary/host')).statusCode, 200)
    const { length } = wire.reads
    for (const ref of [
      'op://Purser/my db/password',
      'op://Purser/my db/host',
      `op://Purser/${id}/primary/host`,
      `op://${VAULT}/my db/primary/host`,
      'op://Other/my db/primary/host'
    ]) {
      t.equal((await one.read(ref)).json().code, 'access_denied', ref)
    }
    t.equal(wire.reads.length, length, 'and 1Password is not asked')
  })

  suite.test('what lacks the tag is denied, and is not listed', async (t) => {
    t.equal((await all.read('onepassword:Purser/untagged#a')).json().code, 'access_denied')
    const { results } = (await all.get('/v1/secrets?prefix=onepassword:Purser/')).json()
    t.strictSame(
      results.map(({ ref }: { ref: string }) => ref),
      ['onepassword:Purser/my%20db']
    )
  })

  suite.test(
    'a title that two items have is a fault of the store, which shows nothing',
    async (t) => {
      const answer = await all.read('onepassword:Purser/twice#a')
      t.match(answer.json(), { code: 'store_misconfigured' })
      t.strictSame(canary.findIn(answer.body), [])
      t.equal((await all.read('onepassword:Purser/my db#absent')).json().code, 'field_not_found')
      t.equal((await all.read('onepassword:Purser/absent#a')).json().code, 'secret_not_found')
      t.equal(
        (await all.read('onepassword:Purser/my db?version=9')).json().code,
        'secret_not_found'
      )
    }
  )

  suite.test('no value stands in the log or in the trail', async (t) => {
    const records = await recordsIn(built.folder)
    t.ok(records.length > 0)
    t.strictSame(canary.findIn(built.logs.join('\n') + JSON.stringify(records)), [])
  })
})
