// The whole change of an encryption key, as docs/rotate-encryption-key.md has it: two replicas, ten clients that read all
// the while, keys for all of them in one go, and the old encryption key out once the report says that it may go.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import { createKeyring, newEncryptionKey } from '../../src/crypto/keyring.ts'
import { createSealer } from '../../src/crypto/sealer.ts'
import { rewrapUses } from '../../src/keys/usage.ts'
import { rewrapSecrets } from '../../src/kinds/local/store.ts'
import { buildTestApp } from '../support/build-app.ts'
import { createDirectory } from '../support/embedded.ts'
import { issueKey } from '../support/keys.ts'
import { runPurser } from '../support/purser-process.ts'
import { startReaders } from '../support/readers.ts'

const YAML = `
stores: [{ name: local, kind: local }]
policies: [{ client: '*', read: ['local:**'] }]
`
const HOUR = 3_600_000

test('an encryption key is changed under ten reading clients without one failed request', async (t) => {
  const clock = { offset: 0 }
  const now = () => Date.now() + clock.offset
  const [before, after] = [newEncryptionKey(), newEncryptionKey()]
  const [oldRing, newRing] = [createKeyring([before]), createKeyring([after])]
  const env = { ENCRYPTION_KEYS: before, CACHE_TTL_SECONDS: '0' }
  const replicas = await Promise.all([1, 2].map(() => buildTestApp(t, { yaml: YAML, env, now })))
  const addresses: string[] = []
  for (const { app, seed } of replicas) {
    await seed('local', 'a', 'x')
    addresses.push(await app.server.listen({ host: '127.0.0.1', port: 0 }))
  }
  const reloadAll = async (keys: string): Promise<void> => {
    for (const { reload } of replicas) await reload({ env: { ENCRYPTION_KEYS: keys } })
  }

  const clients = Array.from({ length: 10 }, (_, i) => `client-${i}`)
  const keyOf = new Map<string, string>()
  for (const client of clients) keyOf.set(client, await issueKey(oldRing, client))
  const oldKeys = [...keyOf.values()]
  const statusOf = async (address = '', key = ''): Promise<number> => {
    const headers = { authorization: `Bearer ${key}` }
    const answer = await fetch(`${address}/v1/secrets?ref=local:a`, { headers })
    await answer.arrayBuffer()
    return answer.status
  }
  const { statuses, round, stop } = startReaders(clients.length, async (reader, n) => {
    await sleep(5)
    return statusOf(addresses[n % 2], keyOf.get(`client-${reader}`))
  })

  await round()
  await reloadAll(`${before},${after}`)

  const folder = createDirectory(t)
  const entries = clients.map(
    (client) =>
      `  - { client: ${client}, scopes: [aura-services:secrets], mode: r, expires: 90d }\n`
  )
  const operator = '  - { client: operator, scopes: [aura-admin], mode: r, expires: 1d }\n'
  writeFileSync(join(folder, 'clients.yaml'), `clients:\n${entries.join('')}${operator}`)
  const issueAll = ['key', 'issue-all', 'clients.yaml', '--format', 'json']
  const { stdout } = await runPurser(t, folder, issueAll, {
    env: { ENCRYPTION_KEYS: `${before},${after}`, ENVIRONMENT: 'dev' }
  })
  const issued = JSON.parse(stdout) as { client: string; apiKey: string }[]
  const operatorKey = issued.find(({ client }) => client === 'operator')?.apiKey ?? ''

  /** Whether every replica says that the old encryption key may go; and whom it still waits for. */
  const report = async () => {
    const answers = await Promise.all(
      addresses.map(async (address) => {
        const url = `${address}/v1/admin/encryption-keys?quietHours=1`
        const answer = await fetch(url, { headers: { 'x-api-key': operatorKey } })
        const { encryptionKeys } = (await answer.json()) as {
          encryptionKeys: {
            kid: string
            mayGo: boolean
            clients: { client: string; quiet: boolean }[]
          }[]
        }
        return encryptionKeys.find(({ kid }) => kid === oldRing.active.kid)
      })
    )
    const users = answers.flatMap((one) => one?.clients ?? []).filter(({ quiet }) => !quiet)
    return {
      mayGo: answers.every((one) => one?.mayGo === true),
      users: [...new Set(users.map(({ client }) => client))].sort()
    }
  }

  t.same(await report(), { mayGo: false, users: clients })
  for (const { client, apiKey } of issued.slice(0, 9)) keyOf.set(client, apiKey)
  await round()
  clock.offset += 2 * HOUR
  await round()
  t.same(await report(), { mayGo: false, users: ['client-9'] }, 'one still has its old key')
  keyOf.set('client-9', issued[9]?.apiKey ?? '')
  await round()
  clock.offset += 2 * HOUR
  t.same(await report(), { mayGo: false, users: [] }, 'a secret of each is sealed under it still')
  for (const { app } of replicas) {
    const { state } = app
    const sealer = createSealer(createKeyring([before, after]))
    const store = { name: 'local', state, sealer: () => sealer, now: Date.now }
    t.match(await rewrapSecrets(store), { total: 1, rewrapped: 1, unreadable: 0 })
    await rewrapUses({ state, sealer: () => sealer })
  }
  t.same(await report(), { mayGo: true, users: [] })

  await reloadAll(after)
  await round()
  await stop()
  t.ok(statuses.length > 50, `${statuses.length} reads`)
  t.same(
    statuses.filter((status) => status !== 200),
    []
  )
  for (const key of oldKeys) t.equal(await statusOf(addresses[0], key), 401, 'the old key is out')
  t.equal(newRing.active.kid, createKeyring([before, after]).active.kid)
})
