/** CACHE_PERSISTENT: a service that is killed, and started again while its store is down. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { newEncryptionKey } from '../../src/crypto/keyring.ts'
import { canaryOf } from '../support/canary.ts'
import {
  createConfigured,
  issueKey,
  runPurser,
  serve,
  writeEnv
} from '../support/purser-process.ts'
import { eventually } from '../support/redis.ts'

/** A KV engine whose secrets the test changes, and which it takes away and brings back at its address. */
const createVault = async (t: Test) => {
  const secrets = new Map<string, string>()
  const answer = (url: string): object | undefined => {
    if (!url.startsWith('/v1/kv/data/')) return { data: { ttl: 3600, renewable: false } }
    const text = secrets.get(url.slice('/v1/kv/data/'.length))
    const metadata = { version: 1, deletion_time: '', destroyed: false, custom_metadata: null }
    return text === undefined ? undefined : { data: { metadata, data: { text } } }
  }
  let server: Server | undefined
  const end = async (): Promise<void> => {
    const ending = server
    server = undefined
    ending?.closeAllConnections()
    if (ending !== undefined) await new Promise((resolve) => ending.close(resolve))
  }
  const begin = async (port = 0): Promise<number> => {
    const next = createServer((request, response) => {
      const body = answer(request.url ?? '')
      response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(body ?? { errors: [] }))
    })
    await new Promise<void>((resolve) => next.listen(port, '127.0.0.1', resolve))
    server = next
    return (next.address() as AddressInfo).port
  }
  const port = await begin()
  t.teardown(end)
  return { secrets, end, begin: () => begin(port), port }
}

const yamlOf = (port: number, more = ''): string => `stores:
  - name: far-vault-of-ours
    kind: vault
    address: http://127.0.0.1:${port}
    mounts: [{ path: kv, version: 2 }]
    auth: { method: token, token: { env: VAULT_TOKEN } }${more}
policies:
  - { client: app, read: ["far-vault-of-ours:kv/*"] }
`

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())

const open = async (t: Test) => {
  const vault = await createVault(t)
  const { folder, variables } = createConfigured(t, {
    yaml: yamlOf(vault.port),
    variables: {
      VAULT_TOKEN: 'hvs.of-the-test',
      CACHE_PERSISTENT: 'true',
      UPSTREAM_TIMEOUT_MS: '20000'
    }
  })
  const key = await issueKey(folder)
  const start = async () => {
    const { url, child, ended, output } = await serve(t, folder)
    const read = async (name: string, apiKey = key): Promise<string> => {
      const target = `${url}/v1/secrets?ref=far-vault-of-ours:kv/${name}%23text`
      const answer = await fetch(target, { headers: { 'x-api-key': apiKey } })
      const { value, code } = (await answer.json()) as { value?: string; code?: string }
      return `${answer.headers.get('x-cache')} ${value ?? code}`
    }
    const invalidate = async (what: object): Promise<void> => {
      const headers = {
        'content-type': 'application/json',
        'x-internal-secret': variables['INTERNAL_SECRET'] ?? ''
      }
      const body = JSON.stringify(what)
      const target = `${url}/internal/cache/invalidate`
      const answered = await fetch(target, { method: 'POST', headers, body })
      t.equal(answered.status, 200, await answered.text())
    }
    const kill = async (): Promise<void> => {
      child.kill('SIGKILL')
      await ended
    }
    return { read, invalidate, kill, output }
  }
  return { vault, folder, variables, key, start }
}

test('what was fetched is served as STALE by a service that was killed and whose store is down', async (t) => {
  const { vault, folder, variables, key, start } = await open(t)
  const [value, other] = [newEncryptionKey(), newEncryptionKey()]
  const names = ['a-plain-name', 'one-that-is-dropped', 'one-that-is-gone', 'one-of-no-rule']
  for (const name of names) vault.secrets.set(name, value)
  const first = await start()
  for (const name of names) t.equal(await first.read(name), `MISS ${value}`)
  t.equal(await first.read('a-plain-name'), `HIT ${value}`)
  // What was fetched before is on the disk too, once it is answered.
  await first.invalidate({ ref: 'far-vault-of-ours:kv/one-that-is-dropped' })
  await first.kill()

  const canaries = [value, 'far-vault-of-ours', ...names].map(canaryOf)
  const files = filesBelow(join(folder, 'data', 'cache'))
  t.ok(files.length > 0)
  for (const file of files) {
    for (const { token, findIn } of canaries) t.strictSame(findIn(readFileSync(file)), [], token)
    t.equal(statSync(file).mode & 0o777, 0o600, file)
  }

  await vault.end()
  const second = await start()
  t.equal(await second.read('a-plain-name'), `STALE ${value}`)
  t.equal(await second.read('a-plain-name'), `STALE ${value}`)
  t.equal(await second.read('one-that-is-dropped'), 'null store_unavailable')
  t.equal(await second.read('never-read'), 'null store_unavailable')
  const revoked = await issueKey(folder, { keyId: '44444444-4444-4444-8444-444444444444' })
  t.equal(await second.read('a-plain-name', revoked), `STALE ${value}`)
  const revocation = await runPurser(t, folder, [
    ...['key', 'revoke', '44444444-4444-4444-8444-444444444444']
  ])
  t.equal(revocation.code, 0, revocation.stderr)
  t.equal(await second.read('a-plain-name', revoked), 'null invalid_api_key')
  await second.kill()

  // Policy is today's.
  writeFileSync(
    join(folder, 'purser.yaml'),
    yamlOf(vault.port).replace('kv/*"', 'kv/{a-plain-name,one-that-is-gone}"')
  )
  const third = await start()
  t.equal(await third.read('one-of-no-rule'), 'null access_denied')
  t.equal(await third.read('one-that-is-gone'), `STALE ${value}`)
  vault.secrets.set('a-plain-name', other)
  vault.secrets.delete('one-that-is-gone')
  await vault.begin()
  await eventually(async () => (await third.read('a-plain-name')).endsWith(other))
  await eventually(async () => (await third.read('one-that-is-gone')) === 'null secret_not_found')
  await third.invalidate({ ref: 'far-vault-of-ours:kv/another' })
  await third.kill()
  await vault.end()
  const fourth = await start()
  t.equal(await fourth.read('a-plain-name'), `STALE ${other}`)
  t.equal(await fourth.read('one-that-is-gone'), 'null store_unavailable', 'its store said so')
  await fourth.kill()

  // Tags that decide are today's: nobody can ask for them.
  writeFileSync(
    join(folder, 'purser.yaml'),
    yamlOf(vault.port, '\n    requireTags: { purser: "yes" }')
  )
  const fifth = await start()
  t.equal(await fifth.read('a-plain-name'), 'null store_unavailable')
  await fifth.kill()

  writeFileSync(join(folder, 'purser.yaml'), yamlOf(vault.port))
  writeEnv(folder, { ...variables, CACHE_PERSISTENT: 'false' })
  const without = await start()
  t.equal(await without.read('a-plain-name'), 'null store_unavailable')
  t.notOk(existsSync(join(folder, 'data', 'cache')), 'and what was kept is gone')
  await without.kill()
  t.ok(key)
})

test('under another encryption key nothing of it is read, and a damaged file keeps no service from starting', async (t) => {
  const { vault, folder, variables, start } = await open(t)
  vault.secrets.set('one', 'value')
  const first = await start()
  t.equal(await first.read('one'), 'MISS value')
  await first.invalidate({ ref: 'far-vault-of-ours:kv/another' })
  await first.kill()
  await vault.end()
  writeEnv(folder, { ...variables, ENCRYPTION_KEYS: newEncryptionKey() })
  const second = await start()
  t.equal(await second.read('one', await issueKey(folder)), 'null store_unavailable')
  await second.kill()
  writeFileSync(join(folder, 'data', 'cache', 'data.mdb'), 'no database'.repeat(1_000))
  const third = await start()
  t.match(third.output.stdout, /what is cached cannot be kept over a restart/)
  t.equal(await third.read('one', await issueKey(folder)), 'null store_unavailable')
})

test('where it would keep nothing it is refused, with the reason', async (t) => {
  const refused = async (variables: Record<string, string>, why: RegExp): Promise<void> => {
    const { folder } = createConfigured(t, {
      variables: { ...variables, CACHE_PERSISTENT: 'true' }
    })
    t.match(await runPurser(t, folder, ['config', 'check']), { code: 1, stderr: why })
  }
  await refused({ REDIS_URL: 'redis://127.0.0.1:1' }, /CACHE_PERSISTENT.*of no use with REDIS_URL/)
  await refused({ STALE_IF_ERROR_SECONDS: '0' }, /CACHE_PERSISTENT.*needs CACHE_TTL_SECONDS and/)
})
