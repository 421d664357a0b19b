// The encryption key is changed while a client reads: nothing fails, and what is taken out ends at once.
import { test } from 'tap'
import { createKeyring, newEncryptionKey } from '../../src/crypto/keyring.ts'
import { awsDialect } from '../kinds/aws/fake.ts'
import { vaultSubject } from '../kinds/vault/fake.ts'
import { buildTestApp } from '../support/build-app.ts'
import { issueKey } from '../support/keys.ts'
import { startReaders } from '../support/readers.ts'
import { eventually } from '../support/redis.ts'
import { openWire, type WireBehaviour } from '../support/wire.ts'

const vaultWire = vaultSubject.wire ?? { dialect: awsDialect }

test('an encryption key is rotated under a reading client without one failed request', async (t) => {
  const [before, after] = [newEncryptionKey(), newEncryptionKey()]
  const yaml =
    'stores: [{ name: local, kind: local }]\npolicies: [{ client: app, read: ["local:**"], write: ["local:**"] }]'
  const app = await buildTestApp(t, { yaml, env: { ENCRYPTION_KEYS: before } })
  await app.seed('local', 'a', 'x')
  const address = await app.app.server.listen({ host: '127.0.0.1', port: 0 })
  const oldKey = await issueKey(createKeyring([before]), 'app')
  const newKey = await issueKey(createKeyring([after]), 'app', 'rw')
  const read = async (key: string): Promise<number> => {
    const answer = await fetch(`${address}/v1/secrets?ref=local:a`, {
      headers: { 'x-api-key': key }
    })
    await answer.arrayBuffer()
    return answer.status
  }

  let key = oldKey
  const { statuses, round, stop } = startReaders(8, () => read(key))
  await round()
  await app.reload({ env: { ENCRYPTION_KEYS: `${before},${after}` } })
  t.equal(await read(oldKey), 200, 'the old key works during the rotation')
  t.equal(await read(newKey), 200, 'and so does one under the new encryption key')
  await round()
  key = newKey
  const rewritten = await fetch(`${address}/v1/secrets?ref=local:a`, {
    method: 'PUT',
    headers: { 'x-api-key': newKey, 'content-type': 'application/json' },
    body: '{"value":"y"}'
  })
  t.equal(rewritten.status, 200)
  await round()
  await app.reload({ env: { ENCRYPTION_KEYS: after } })
  t.equal(await read(oldKey), 401, 'the old key ends with its encryption key, though it was known')
  await round()
  await eventually(() => statuses.length > 100)
  await stop()
  t.same(
    statuses.filter((status) => status !== 200),
    []
  )
})

test('a faulty configuration changes nothing', async (t) => {
  const yaml =
    'stores: [{ name: local, kind: local }]\npolicies: [{ client: app, read: ["local:**"] }]'
  const app = await buildTestApp(t, { yaml })
  await app.seed('local', 'a', 'x')
  const client = await app.as('app')
  const read = async () => (await client.read('local:a')).statusCode
  for (const faulty of [
    { yaml: 'stores: [{ name: local, kind: local, colour: red }]' },
    { yaml: 'stores: []\npolicies: [{ client: app, read: ["local:**"] }]' },
    { yaml, env: { ENCRYPTION_KEYS: 'short' } }
  ]) {
    await t.rejects(app.reload(faulty), { name: 'ConfigError' })
    t.equal(await read(), 200)
  }
  await app.reload({
    yaml: 'stores: [{ name: local, kind: local }]',
    env: { ENCRYPTION_KEYS: app.encryptionKey }
  })
  t.equal(await read(), 403, 'a right that was taken away is gone at once, also for what is cached')
})

test('a store that leads elsewhere after a reload no longer answers with what was cached', async (t) => {
  const text = (value: string): WireBehaviour => ({
    read: 'found',
    text: JSON.stringify({ value })
  })
  const { dialect } = vaultWire
  const [first, second] = [
    await openWire(t, dialect, text('first')),
    await openWire(t, dialect, text('second'))
  ]
  const yaml = (address: string): string => `
stores:
  - name: vault
    kind: vault
    address: ${address}
    mounts: [{ path: secret, version: 2 }]
    auth: { method: token, token: { env: TOKEN } }
policies: [{ client: app, read: ["vault:**"] }]
`
  const app = await buildTestApp(t, { yaml: yaml(first.url), environ: { TOKEN: 't' } })
  const client = await app.as('app')
  const read = async () => (await client.read('vault:secret/a')).json().value
  t.equal(await read(), 'first')
  const asked = first.reads.length
  await app.reload({ yaml: yaml(first.url) })
  t.equal(await read(), 'first')
  t.equal(first.reads.length, asked, 'a store that did not change keeps its cache')
  await app.reload({ yaml: yaml(second.url) })
  t.equal(await read(), 'second')
})
