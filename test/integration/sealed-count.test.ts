// What is sealed under an encryption key holds the key in the ring: the report counts all of it, and neither a start nor a
// reload goes on without a key that something kept needs. On LMDB and on Redis alike.
import { setTimeout as sleep } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { Sensitive } from '../../src/core/secret.ts'
import { createKeyring, kidOf, newEncryptionKey } from '../../src/crypto/keyring.ts'
import { createSealer } from '../../src/crypto/sealer.ts'
import { putResource } from '../../src/integrations/resource-entries.ts'
import { countSealed, type SealedCounts } from '../../src/integrations/sealed-count.ts'
import { putSecret } from '../../src/kinds/local/store.ts'
import { buildTestApp, type TestApp } from '../support/build-app.ts'
import { createDirectory, openState } from '../support/embedded.ts'
import { issueKey, randomSecret } from '../support/keys.ts'
import { type Ended, runPurser, writeEnv, writeYaml } from '../support/purser-process.ts'
import { skipWithoutRedis, startRedis } from '../support/redis.ts'

const YAML =
  'stores: [{ name: local, kind: local }]\npolicies: [{ client: app, read: ["local:**"] }]\n'
const HOUR = 3_600_000

interface Place {
  /** REDIS_URL, or nothing. */
  readonly env: Readonly<Record<string, string>>
}

const onDisk = async (): Promise<Place> => ({ env: {} })

const onRedis = async (t: Test): Promise<Place> => ({
  env: { REDIS_URL: `redis://127.0.0.1:${(await startRedis(t)).port}` }
})

const runHere = (t: Test, { folder }: TestApp, env: Place['env'], keys: string, args: string[]) => {
  const variables = { ENVIRONMENT: 'dev', ENCRYPTION_KEYS: keys, INTERNAL_SECRET: randomSecret() }
  return runPurser(t, folder, args, { env: { ...variables, ...env } })
}

const exercise = async (t: Test, open: (t: Test) => Promise<Place>): Promise<void> => {
  const place = await open(t)
  const clock = { now: Date.now() }
  const [before, after] = [newEncryptionKey(), newEncryptionKey()]
  const [oldKid, newKid] = [before, after].map((key) => createKeyring([key]).active.kid)
  const env = { ...place.env, ENCRYPTION_KEYS: before }
  const built = await buildTestApp(t, { yaml: YAML, env, now: () => clock.now })
  const { state } = built.app
  const sealer = () => createSealer(createKeyring([before]))
  for (const [name, path] of [
    ['local', 'a'],
    ['local', 'b/c'],
    ['no-longer-configured', 'a']
  ] as const) {
    const store = { name, state, sealer, now: Date.now }
    for (const text of ['one', 'two']) await putSecret(store, path, new Sensitive(text))
  }
  await putResource({ state, sealer }, 'bots', 'sample-bot', { name: 'sample-bot' })
  const ask = (url: string, key: string, payload?: object) =>
    built.app.server.inject({
      method: payload ? 'POST' : 'GET',
      url,
      headers: { 'x-api-key': key },
      ...(payload && { payload })
    })
  const oldKey = await issueKey(createKeyring([before]), 'app', 'rw', {
    scopes: ['aura-services', 'aura-admin']
  })
  const sealed = await ask('/v1/state', oldKey, { data: 1, ttlSeconds: 600 })
  t.equal(sealed.statusCode, 200)
  // Which writes the uses, under the only key that there is.
  await ask('/v1/admin/encryption-keys', oldKey)

  const both = `${before},${after}`
  await built.reload({ env: { ENCRYPTION_KEYS: both } })
  const admin = await issueKey(createKeyring([before, after]), 'admin', 'rw', {
    scopes: ['aura-admin']
  })
  const report = async () => {
    const answer = await ask('/v1/admin/encryption-keys?quietHours=1', admin)
    t.equal(answer.statusCode, 200)
    const { encryptionKeys, missing } = answer.json()
    return { old: encryptionKeys[0], active: encryptionKeys[1], missing }
  }
  clock.now += 2 * HOUR
  const names = place.env['REDIS_URL'] === undefined ? 0 : 4
  const first = await report()
  t.match(first.old, { kid: oldKid, inUse: 0, mayGo: false })
  t.match(first.old.sealed, { secrets: 3, objects: 1, uses: 1 }, 'nobody uses it, and it is needed')
  t.ok(first.old.sealed.names >= names)
  t.same(first.missing, [])
  t.equal(first.active.kid, newKid)

  await t.test('a reload without the key is refused, with how much needs it', async (t) => {
    const refused = await built.reload({ env: { ENCRYPTION_KEYS: after } }).catch((error) => error)
    t.match(refused.faults, [{ place: 'ENCRYPTION_KEYS' }])
    t.match(
      refused.message,
      new RegExp(`lacks the key ${oldKid}, under which stand 3 secrets .* 1 bots`)
    )
    t.notOk(refused.message.includes(before))
    t.equal((await ask('/v1/secrets?ref=local:a', oldKey)).json().value, 'two', 'nothing changed')
  })

  await t.test('config check and a start say the same', async (t) => {
    for (const args of [['config', 'check'], ['serve']]) {
      const { code, stderr } = await runHere(t, built, place.env, after, args)
      t.equal(code, 1, args.join(' '))
      t.match(stderr, new RegExp(`ENCRYPTION_KEYS: lacks the key ${oldKid}, .*3 secrets`))
    }
    const fits = await runHere(t, built, place.env, both, ['config', 'check'])
    t.match(fits, { code: 0, stdout: /is valid/ })
  })

  await t.test('rewrap puts all of it under the active key, and then the key may go', async (t) => {
    const { code, stdout }: Ended = await runHere(t, built, place.env, both, ['store', 'rewrap'])
    t.equal(code, 0)
    t.match(stdout, /local: 2 secrets, 2 rewrapped, 0 unreadable/)
    clock.now += 2 * HOUR
    t.match(stdout, /no-longer-configured \(not in the configuration\): 1 secrets, 1 rewrapped/)
    const { old } = await report()
    const nothing = { secrets: 0, objects: 0, uses: 0, names: 0, cached: 0, others: 0 }
    t.same(old.sealed, nothing)
    t.equal(old.mayGo, true)
    await built.reload({ env: { ENCRYPTION_KEYS: after } })
    t.equal((await ask('/v1/secrets?ref=local:a', admin)).statusCode, 403)
    const reader = await issueKey(createKeyring([after]), 'app')
    t.equal((await ask('/v1/secrets?ref=local:a&version=1', reader)).json().value, 'one')
  })
}

test('on LMDB a key under which something is sealed does not go', (t) => exercise(t, onDisk))

test('on Redis a key under which something is sealed does not go', async (t) => {
  if (await skipWithoutRedis(t)) return
  await exercise(t, onRedis)
})

test('sealed states keep a key for as long as one may come back', async (t) => {
  const clock = { now: Date.now() }
  const [before, after] = [newEncryptionKey(), newEncryptionKey()]
  const built = await buildTestApp(t, {
    yaml: YAML,
    env: { ENCRYPTION_KEYS: before },
    now: () => clock.now
  })
  const ask = (url: string, key: string, payload?: object) =>
    built.app.server.inject({
      method: payload ? 'POST' : 'GET',
      url,
      headers: { 'x-api-key': key },
      ...(payload && { payload })
    })
  const both = createKeyring([before, after])
  await built.reload({ env: { ENCRYPTION_KEYS: `${before},${after}` } })
  const admin = await issueKey(both, 'admin', 'rw', { scopes: ['aura-admin', 'aura-services'] })
  const old = async () => (await ask('/v1/admin/encryption-keys', admin)).json().encryptionKeys[0]
  t.match(await old(), { mayGo: true })
  await built.reload({ env: { ENCRYPTION_KEYS: `${after},${before}` } })
  const { state } = (await ask('/v1/state', admin, { data: 'x', ttlSeconds: 600 })).json()
  await built.reload({ env: { ENCRYPTION_KEYS: `${before},${after}` } })
  await ask('/v1/whoami', admin)
  t.match(await old(), { mayGo: false, statesUntil: String })
  clock.now += 599_000
  t.match(await old(), { mayGo: false })
  t.equal((await ask('/v1/state/open', admin, { state })).json().data, 'x')
  clock.now += 62_000
  t.match(await old(), { mayGo: true, statesUntil: undefined })
})

for (const redis of [false, true]) {
  const where = redis ? 'on Redis' : 'on LMDB'
  test(`${where} what stands under a key that is lost is given up by its id, and nothing else`, async (t) => {
    if (redis && (await skipWithoutRedis(t))) return
    const [lost, kept] = [newEncryptionKey(), newEncryptionKey()]
    const place = await (redis ? onRedis(t) : onDisk())
    const folder = createDirectory(t)
    writeYaml(folder, YAML)
    const settings = {
      ENVIRONMENT: 'dev',
      INTERNAL_SECRET: randomSecret(),
      PORT: '0',
      ...place.env
    }
    const run = (keys: string, args: string[], input = '') => {
      writeEnv(folder, { ...settings, ENCRYPTION_KEYS: keys })
      return runPurser(t, folder, args, { input })
    }
    await run(lost, ['store', 'put', 'local:a'], 'x')
    await run(`${lost},${kept}`, ['store', 'put', 'local:b'], 'y')
    const { code, stderr } = await run(kept, ['config', 'check'])
    t.equal(code, 1)
    const [kid = ''] = /(?<=--discard )\S{8}/.exec(stderr) ?? []
    t.equal(kid, createKeyring([lost]).active.kid)
    const held = await run(`${lost},${kept}`, ['store', 'rewrap', '--discard', kid])
    t.match(held, { code: 2, stderr: /is in ENCRYPTION_KEYS/ }, 'nothing that can be opened')
    const discarded = await run(kept, ['store', 'rewrap', '--discard', kid])
    // On Redis also the place of the trail of `store put`, whose name is sealed there.
    t.match(discarded, {
      code: 0,
      stdout: `${redis ? 2 : 1} entries under ${kid} are given up\n`
    })
    t.match(await run(kept, ['config', 'check']), { code: 0 })
    t.match(await run(kept, ['store', 'get', 'local:b']), { code: 0, stdout: /^y/ })
  })
}

test('without Redis within reach the configuration is checked all the same, and a reload takes no key away', async (t) => {
  if (await skipWithoutRedis(t)) return
  const { port, ...server } = await startRedis(t)
  const env = { REDIS_URL: `redis://127.0.0.1:${port}` }
  const [before, after] = [newEncryptionKey(), newEncryptionKey()]
  const built = await buildTestApp(t, {
    yaml: YAML,
    env: { ...env, ENCRYPTION_KEYS: `${before},${after}` }
  })
  await server.kill()
  const checked = await runHere(t, built, env, after, ['config', 'check'])
  t.match(checked, { code: 0, stdout: /is valid/, stderr: /Not checked: whether ENCRYPTION_KEYS/ })
  const refused = await built.reload({ env: { ENCRYPTION_KEYS: after } }).catch((error) => error)
  t.match(refused.message, /cannot be looked up now: try again/)
  await built.reload({ env: { ENCRYPTION_KEYS: `${before},${after}`, LOG_LEVEL: 'info' } })
})

test('the active key does not go in one reload, since something may be sealed under it meanwhile', async (t) => {
  const [only, next] = [newEncryptionKey(), newEncryptionKey()]
  const built = await buildTestApp(t, { yaml: YAML, env: { ENCRYPTION_KEYS: only } })
  const refused = await built.reload({ env: { ENCRYPTION_KEYS: next } }).catch((error) => error)
  t.match(refused.faults, [{ place: 'ENCRYPTION_KEYS' }])
  t.match(refused.message, new RegExp(`takes away the active key ${kidOf(only)}`))
  await built.reload({ env: { ENCRYPTION_KEYS: `${only},${next}` } })
  await built.reload({ env: { ENCRYPTION_KEYS: next } })
})

test('counting gives others their turn, however much there is', async (t) => {
  const state = openState(t)
  const sealer = createSealer(createKeyring([newEncryptionKey()]))
  for (let i = 0; i < 1_000; i++) {
    await state.compareAndSet(`usage/${i}`, undefined, sealer.seal('store', Buffer.from('x'), []))
  }
  let turns = 0
  let isCounting = true
  const others = (async () => {
    while (isCounting) {
      await sleep(0)
      turns++
    }
  })()
  const { byKey, isWhole } = await countSealed(state)
  isCounting = false
  await others
  const counts: SealedCounts[] = [...byKey.values()]
  t.match(counts, [{ uses: 1_000 }])
  t.equal(isWhole, true)
  t.ok(turns >= 3, `${turns} turns`)
  t.equal((await countSealed(state, 0)).isWhole, false, 'and an end, where one is set')
})
