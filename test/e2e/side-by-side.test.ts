/**
 * This version and the one before it, both real builds: beside each other on one Redis, and one after the other on one
 * DATA_DIR. Rule: each reads what the other writes, and neither logs an error about it.
 */
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { newEncryptionKey } from '../../src/crypto/keyring.ts'
import { createDirectory } from '../support/embedded.ts'
import { buildFormerVersion, type FormerVersion } from '../support/former-version.ts'
import { randomSecret } from '../support/keys.ts'
import { issueKey, runOnRedis, serve, writeEnv, writeYaml } from '../support/purser-process.ts'
import { eventually, skipWithoutRedis, startRedis } from '../support/redis.ts'
import { listen } from '../support/wire.ts'

/** A KV engine that counts how often each secret was asked for, and whose answers may be held back. */
const startVault = async (t: Test) => {
  const values = new Map<string, string>()
  const asked: string[] = []
  let held = Promise.resolve()
  const server = createServer(async (request, response) => {
    const [, name] = /^\/v1\/kv\/data\/([a-z-]+)/.exec(request.url ?? '') ?? []
    if (name !== undefined) asked.push(name)
    if (name !== undefined) await held
    const metadata = { version: 1, deletion_time: '', destroyed: false, custom_metadata: null }
    const text = values.get(name ?? '') ?? 'first'
    const data = name === undefined ? { ttl: 3600, renewable: false } : { metadata, data: { text } }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ lease_id: '', data, auth: null }))
  })
  const port = await listen(t, server)
  const hold = (): (() => void) => {
    let release = (): void => {}
    held = new Promise((resolve) => {
      release = resolve
    })
    return release
  }
  return { port, values, hold, count: (name: string) => asked.filter((one) => one === name).length }
}

const yamlOf = (vaultPort: number): string => `stores:
  - { name: local, kind: local }
  - name: vault
    kind: vault
    address: http://127.0.0.1:${vaultPort}
    mounts: [{ path: kv, version: 2 }]
    auth: { method: token, token: { env: VAULT_TOKEN } }
policies:
  - { client: app, read: ["vault:kv/*", "local:team/*"] }
`

/** So many come back in a while that half of USED takes longer than any test. */
const ROOM = { RATE_LIMIT_MAX: '5000', RATE_LIMIT_WINDOW_SECONDS: '86400' }
const USED = 40

/** As `eventually`, but seldom enough for the limits. */
const soon = (isSo: () => boolean | Promise<boolean>): Promise<void> =>
  eventually(async () => (await isSo()) || (await sleep(200, false)), 60_000)

/** What the first attempt gives that gives anything. */
const firstOf = async <T>(attempt: (n: number) => Promise<T | undefined>): Promise<T> => {
  for (let n = 0; n < 26; n++) {
    const found = await attempt(n)
    if (found !== undefined) return found
  }
  throw new Error('it never became so')
}

const letters = (n: number): string => String.fromCharCode('a'.charCodeAt(0) + n)

/** Of each version a folder of its own, with the same keys. */
const createPair = async (t: Test, former: FormerVersion, redisUrl: string) => {
  const vault = await startVault(t)
  const shared = {
    ENVIRONMENT: 'dev',
    PORT: '0',
    ENCRYPTION_KEYS: newEncryptionKey(),
    INTERNAL_SECRET: randomSecret(),
    VAULT_TOKEN: 'hvs.of-the-test',
    REDIS_URL: redisUrl,
    AUDIT_SINKS: 'file!,redis',
    UPSTREAM_TIMEOUT_MS: '20000',
    ALLOW_ADMIN_WRITE: 'true',
    ...ROOM
  }
  const start = async (program?: string) => {
    const folder = createDirectory(t)
    writeEnv(folder, shared)
    writeYaml(folder, yamlOf(vault.port))
    const { url, output, child, ended } = await serve(t, folder, {}, [], program)
    const ask = async (
      path: string,
      key: string,
      body?: object,
      method = body ? 'POST' : 'GET'
    ) => {
      const headers: Record<string, string> = { 'x-api-key': key }
      if (body !== undefined) headers['content-type'] = 'application/json'
      const sent = body === undefined ? null : JSON.stringify(body)
      const answer = await fetch(url + path, { method, headers, body: sent })
      const text = await answer.text()
      return { answer, text, json: text === '' ? {} : JSON.parse(text) }
    }
    const read = async (name: string, key: string): Promise<string> => {
      const { answer, json } = await ask(`/v1/secrets?ref=vault:kv/${name}%23text`, key)
      return `${answer.headers.get('x-cache')} ${json.value ?? json.code}`
    }
    const run = (args: string[], input = '') =>
      runOnRedis(t, folder, args, { input, ...(program !== undefined && { program }) })
    return { folder, output, child, ended, ask, read, run }
  }
  const [one, other] = await Promise.all([start(former.program), start()])
  return { vault, one, other }
}

type Side = Awaited<ReturnType<typeof createPair>>['one']

const errorsIn = ({ output }: Side): string[] =>
  output.stdout.split('\n').filter((line) => /"level":"(error|fatal)"/.test(line))

test('both versions serve one Redis: each reads what the other writes', async (t) => {
  const former = buildFormerVersion(t)
  if (former === undefined || (await skipWithoutRedis(t))) return
  const redis = await startRedis(t)
  const { vault, one, other } = await createPair(t, former, redis.url)
  const app = await issueKey(one.folder)
  const admin = await issueKey(one.folder, { scopes: ['aura-admin'], mode: 'rw', client: 'admin' })
  const ways = [
    ['former to present', one, other],
    ['present to former', other, one]
  ] as const

  for (const [way, from, to] of ways) {
    const name = way.replaceAll(' ', '-')
    await t.test(`the cache, its leases and invalidations, ${way}`, async (t) => {
      // A read waits 50 ms for Redis at the most: on a busy machine it goes on alone, and another secret is tried.
      const shared = await firstOf(async (n) => {
        const one = `${name}-${letters(n)}`
        const given = [await from.read(one, app), await to.read(one, app)]
        return given.join() === 'MISS first,HIT first' && vault.count(one) === 1 ? one : undefined
      })
      await firstOf(async (n) => {
        const slow = `slow-${name}-${letters(n)}`
        const release = vault.hold()
        const both = [from, to].map((side) => side.read(slow, app))
        await soon(() => vault.count(slow) > 0)
        release()
        t.strictSame(
          (await Promise.all(both)).map((one) => one.split(' ')[1]),
          ['first', 'first']
        )
        return vault.count(slow) === 1 ? slow : undefined
      })
      vault.values.set(shared, 'second')
      const path = `/v1/admin/cache?ref=vault:kv/${shared}`
      t.equal((await from.ask(path, admin, undefined, 'DELETE')).answer.status, 200)
      await soon(async () => (await to.read(shared, app)).endsWith(' second'))
      t.match(await from.read(shared, app), / second$/)
    })

    await t.test(`a revocation, ${way}`, async (t) => {
      for (const revoke of [
        (id: string) => from.run(['key', 'revoke', id]),
        (id: string) => from.ask(`/v1/admin/keys/${id}`, admin, undefined, 'DELETE')
      ]) {
        const keyId = randomUUID()
        const key = await issueKey(from.folder, { keyId })
        t.match(await to.read(name, key), / first$/)
        await revoke(keyId)
        const revokedAt = performance.now()
        await soon(async () => (await to.read(name, key)).endsWith(' invalid_api_key'))
        t.comment(`refused at the other after ${Math.round(performance.now() - revokedAt)} ms`)
        await soon(async () => (await from.read(name, key)).endsWith(' invalid_api_key'))
      }
    })

    await t.test(`limits, uses of a key and records, ${way}`, async () => {
      const keyId = randomUUID()
      const key = await issueKey(from.folder, { keyId })
      for (let i = 0; i < USED; i++) await from.read(name, key)
      // Only here: what the other knows of them it has from the first.
      await soon(async () => (await to.ask('/v1/admin/keys', admin)).text.includes(keyId))
      await soon(async () =>
        (await to.ask(`/v1/admin/audit?keyId=${keyId}`, admin)).text.includes('secret.read')
      )
      let asked = 0
      await soon(async () => {
        asked++
        const { answer } = await to.ask('/v1/whoami', key)
        const [, left] = /r=(\d+)/.exec(answer.headers.get('ratelimit') ?? '') ?? []
        return Number(ROOM.RATE_LIMIT_MAX) - Number(left) >= asked + USED / 2
      })
    })

    await t.test(`stored secrets and sealed states, ${way}`, async (t) => {
      const ref = `local:team/${name}`
      t.equal((await from.run(['store', 'put', ref], 'one')).code, 0)
      t.equal((await to.run(['store', 'get', ref])).stdout, 'one\n')
      t.equal((await to.run(['store', 'put', ref], 'two')).stdout, `${ref}?version=2\n`)
      t.equal((await from.run(['store', 'get', ref])).stdout, 'two\n')
      t.equal((await from.run(['store', 'get', `${ref}?version=1`])).stdout, 'one\n')
      const key = await issueKey(from.folder, { scopes: ['aura-services:state'], mode: 'w' })
      const { state } = (await from.ask('/v1/state', key, { data: { from: way } })).json
      t.same((await to.ask('/v1/state/open', key, { state })).json, { data: { from: way } })
      t.match((await from.ask('/v1/state/open', key, { state })).json, { code: 'invalid_request' })
    })
  }

  await t.test('neither logs an error, and both trails verify', async (t) => {
    for (const side of [one, other]) {
      side.child.kill('SIGTERM')
      t.equal((await side.ended).code, 0)
      t.strictSame(errorsIn(side), [])
      t.match(await side.run(['audit', 'verify']), { stdout: /^ok: / })
    }
  })
})

test('both versions take turns on one DATA_DIR, there and back', async (t) => {
  const former = buildFormerVersion(t)
  if (former === undefined) return
  const folder = createDirectory(t)
  writeEnv(folder, {
    ENVIRONMENT: 'dev',
    PORT: '0',
    ENCRYPTION_KEYS: newEncryptionKey(),
    INTERNAL_SECRET: randomSecret()
  })
  writeYaml(
    folder,
    'stores: [{ name: local, kind: local }]\npolicies: [{ client: app, read: ["local:team/*"] }]\n'
  )
  const app = await issueKey(folder)
  const revoked: string[] = []
  const turn = async (n: number, program: string | undefined): Promise<void> => {
    const running = await serve(t, folder, {}, [], program)
    const run = (args: string[], input = '') =>
      runOnRedis(t, folder, args, { input, ...(program !== undefined && { program }) })
    const read = async (name: string, key: string): Promise<unknown> =>
      (
        await fetch(`${running.url}/v1/secrets?ref=local:team/${name}`, {
          headers: { 'x-api-key': key }
        })
      ).json()
    t.equal((await run(['store', 'put', `local:team/of-turn-${n}`], `value ${n}`)).code, 0)
    const keyId = randomUUID()
    revoked.push(await issueKey(folder, { keyId }))
    t.equal((await run(['key', 'revoke', keyId])).code, 0)
    for (let i = 0; i <= n; i++) t.match(await read(`of-turn-${i}`, app), { value: `value ${i}` })
    for (const key of revoked) t.match(await read('of-turn-0', key), { code: 'invalid_api_key' })
    running.child.kill(n === 1 ? 'SIGKILL' : 'SIGTERM')
    await running.ended
    t.notMatch(running.output.stdout, /"level":"(error|fatal)"/)
    t.match(await run(['audit', 'verify']), { code: 0, stdout: /^ok: / }, `turn ${n}`)
  }
  await turn(0, former.program)
  await turn(1, undefined)
  await turn(2, former.program)
  await turn(3, undefined)
})
