/** What OpenBao cannot be made to do, or does not show: what exactly goes over the wire to Vault, and what never does. */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Test, test } from 'tap'
import type { Static } from 'typebox'
import { ProviderFault } from '../../../src/core/fault.ts'
import { Sensitive } from '../../../src/core/secret.ts'
import { vault } from '../../../src/kinds/vault/index.ts'
import { guarded } from '../../support/guarded.ts'
import { createDeps } from '../../support/provider-deps.ts'
import { startStopwatch } from '../../support/stopwatch.ts'
import { closedPort, listen } from '../../support/wire.ts'

// Read when node-vault is loaded, which is at the first connect: it would print every body that it sends.
process.env['DEBUG'] = 'node-vault'

type Settings = Static<typeof vault.settings>

interface Seen {
  readonly line: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

const within = (ms = 5_000) => ({ signal: AbortSignal.timeout(ms) })
const LOGIN = { auth: { client_token: 'granted', lease_duration: 3600, renewable: false } }
const SECRET = { data: { data: { value: 'x' }, metadata: { version: 1 } } }

/** A Vault that grants whatever is asked; `answers` may say something else for a path. */
const openVault = async (t: Test, answers: Readonly<Record<string, string>> = {}) => {
  const seen: Seen[] = []
  const sockets = new Set<unknown>()
  const server = createServer(async (request, response) => {
    sockets.add(request.socket)
    const url = request.url ?? ''
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks).toString()
    seen.push({ line: `${request.method} ${url}`, headers: request.headers, body })
    response.end(answers[url] ?? JSON.stringify(url.includes('/login') ? LOGIN : SECRET))
  })
  const port = await listen(t, server)
  return { address: `http://127.0.0.1:${port}`, seen, sockets }
}

const mounts: Settings['mounts'] = [{ path: 'secret', version: 2 }]
const auth: Settings['auth'] = { method: 'approle', roleId: 'a-role' }

const connect = async (
  t: Test,
  settings: Partial<Settings> & { readonly address: string },
  credentials: Readonly<Record<string, string>> = {}
) => {
  const deps = createDeps(credentials)
  const provider = await vault.connect({ mounts, auth, ...settings }, deps)
  t.teardown(() => provider.close())
  return { provider, deps }
}

/** Whether the server is soon without a connection. */
const isLeftAlone = async (server: Server): Promise<boolean> => {
  const count = () => new Promise((resolve) => server.getConnections((_, n) => resolve(n)))
  for (let i = 0; i < 50 && (await count()) !== 0; i++) await sleep(10)
  return (await count()) === 0
}

/** Sets the variables for this test. */
const useEnvironment = (t: Test, variables: Readonly<Record<string, string>>): void => {
  const before = { ...process.env }
  Object.assign(process.env, variables)
  t.teardown(() => {
    for (const name of Object.keys(variables)) delete process.env[name]
    Object.assign(process.env, before)
  })
}

test('each method sends its credentials where its mount is, encoded', async (t) => {
  const credentials = { ROLE: 'role "id"', ID: 'secret-id', PASSWORD: 'p&w', JWT: 'a.b.c' }
  const cases: readonly (readonly [Settings['auth'], string, unknown])[] = [
    [
      {
        method: 'approle',
        roleId: { env: 'ROLE' },
        secretId: { env: 'ID' },
        mount: 'team/app role'
      },
      'POST /v1/auth/team/app%20role/login',
      { role_id: 'role "id"', secret_id: 'secret-id' }
    ],
    [auth, 'POST /v1/auth/approle/login', { role_id: 'a-role' }],
    [
      { method: 'userpass', username: "o'b=r x&y#z?%41<ż", password: { env: 'PASSWORD' } },
      'POST /v1/auth/userpass/login/o%27b%3Dr%20x%26y%23z%3F%2541%3C%C5%BC',
      { password: 'p&w' }
    ],
    [
      { method: 'kubernetes', role: 'purser', jwt: { env: 'JWT' } },
      'POST /v1/auth/kubernetes/login',
      { role: 'purser', jwt: 'a.b.c' }
    ],
    [
      { method: 'jwt', role: 'purser', jwt: { env: 'JWT' } },
      'POST /v1/auth/jwt/login',
      { role: 'purser', jwt: 'a.b.c' }
    ],
    [
      { method: 'jwt', jwt: { env: 'JWT' }, mount: 'ci/git lab' },
      'POST /v1/auth/ci/git%20lab/login',
      { role: '', jwt: 'a.b.c' }
    ]
  ]
  const printed = t.capture(process.stderr, 'write')
  for (const [method, line, body] of cases) {
    const { address, seen } = await openVault(t)
    const { provider } = await connect(
      t,
      { address, namespace: 'admin/team', auth: method },
      credentials
    )
    await provider.read({ path: 'secret/a' }, within())
    const [login, read] = seen
    t.equal(login?.line, line)
    t.strictSame(JSON.parse(login?.body ?? ''), body)
    t.equal(login?.headers['x-vault-token'], undefined)
    t.equal(read?.headers['x-vault-token'], 'granted')
    t.strictSame(
      seen.map(({ headers }) => headers['x-vault-namespace']),
      ['admin/team', 'admin/team']
    )
  }
  t.strictSame(printed(), [])
})

test('every request says that it is one to Vault, and whose', async (t) => {
  const { address, seen } = await openVault(t)
  const { provider } = await connect(t, { address })
  await provider.read({ path: 'secret/a' }, within())
  await provider.write?.({ path: 'secret/a' }, new Sensitive('{"a":"b"}'), within()).catch(() => {})
  await provider.list?.('secret/', { limit: 10 }, within()).catch(() => {})
  await provider.check(within()).catch(() => {})
  t.ok(seen.length >= 5)
  for (const { line, headers } of seen) {
    t.equal(headers['x-vault-request'], 'true', line)
    t.match(headers['user-agent'], /^purser\/\d/, line)
  }
})

test("the pod's own token file is what the Kubernetes method reads if nothing is said", async (t) => {
  const { address, seen } = await openVault(t)
  const asked: unknown[] = []
  const deps = createDeps(
    {},
    {
      credential: async (where) => {
        asked.push(where)
        throw new Error('no such file: /secret/place')
      }
    }
  )
  const provider = await vault.connect(
    { address, mounts, auth: { method: 'kubernetes', role: 'purser' } },
    deps
  )
  await t.rejects(
    provider.read({ path: 'secret/a' }, within()),
    new ProviderFault('misconfigured', { code: 'credential', isRefusal: true })
  )
  t.strictSame(asked, [{ file: '/var/run/secrets/kubernetes.io/serviceaccount/token' }])
  t.strictSame(seen, [])
})

test('nothing of the environment counts', async (t) => {
  const elsewhere = await openVault(t)
  useEnvironment(t, {
    VAULT_ADDR: elsewhere.address,
    VAULT_TOKEN: 'from-the-environment',
    VAULT_NAMESPACE: 'from-the-environment',
    VAULT_PREFIX: '/from-the-environment',
    VAULT_SKIP_VERIFY: 'true',
    http_proxy: elsewhere.address,
    HTTP_PROXY: elsewhere.address,
    https_proxy: elsewhere.address,
    ALL_PROXY: elsewhere.address,
    NODE_USE_ENV_PROXY: '1'
  })
  const { address, seen } = await openVault(t)
  const { provider } = await connect(t, { address })
  await provider.read({ path: 'secret/a' }, within())
  t.strictSame(
    seen.map(({ line }) => line),
    ['POST /v1/auth/approle/login', 'GET /v1/secret/data/a']
  )
  t.notMatch(JSON.stringify(seen), 'from-the-environment')
  t.strictSame(elsewhere.seen, [])
})

test('a path leads into its mount and nowhere else', async (t) => {
  const { address, seen } = await openVault(t)
  const { provider } = await connect(t, {
    address,
    mounts: [
      { path: 'kv', version: 2 },
      { path: 'kv/team', version: 2 }
    ]
  })
  for (const [path, line] of [
    ['kv/a', 'GET /v1/kv/data/a'],
    ['kv/team/a', 'GET /v1/kv/team/data/a'],
    ['kv/teams/a', 'GET /v1/kv/data/teams/a'],
    ["kv/a b/c#d?e%2F'ż", 'GET /v1/kv/data/a%20b/c%23d%3Fe%252F%27%C5%BC'],
    ['kv/..a/...', 'GET /v1/kv/data/..a/...']
  ] as const) {
    await provider.read({ path }, within())
    t.equal(seen.at(-1)?.line, line)
  }
  const before = seen.length
  for (const path of [
    'sys/seal',
    'kv',
    'kv/',
    'kv//a',
    'kv/a/',
    'kv/../sys/seal',
    'kv/a/./b',
    'kv/a/..',
    'kv/\ud800'
  ]) {
    const fault = await provider.read({ path }, within()).catch((error: unknown) => error)
    t.match(fault, { reason: 'misconfigured' }, path)
  }
  for (const version of ['0', '-1', 'latest', '1&x=y', '01', '']) {
    await t.rejects(
      provider.read({ path: 'kv/a', version }, within()),
      new ProviderFault('not_found')
    )
  }
  t.equal(seen.length, before, 'nothing was sent')
})

test('reads one after the other share one connection', async (t) => {
  const { address, sockets } = await openVault(t)
  const { provider } = await connect(t, { address })
  for (const name of ['a', 'b', 'c']) await provider.read({ path: `secret/${name}` }, within())
  t.equal(sockets.size, 1)
})

test('an answer beyond all measure is cut off', async (t) => {
  const huge = JSON.stringify({
    data: { data: { value: 'x'.repeat(3e6) }, metadata: { version: 1 } }
  })
  const { address } = await openVault(t, { '/v1/secret/data/a': huge })
  const { provider } = await connect(t, { address })
  await t.rejects(
    provider.read({ path: 'secret/a' }, within()),
    new ProviderFault('invalid_answer', { code: 'too_large' })
  )
  await provider.read({ path: 'secret/b' }, within())
})

test('a read that is given up ends its request, so that a slow Vault gathers no connections', async (t) => {
  const server = createServer((request, response) => {
    if (request.url?.includes('/login')) response.end(JSON.stringify(LOGIN))
  })
  const { provider } = await connect(t, {
    address: `http://127.0.0.1:${await listen(t, server)}`
  })
  await t.rejects(provider.read({ path: 'secret/a' }, within(100)), new ProviderFault('timeout'))
  t.ok(await isLeftAlone(server))
})

test('a login that hangs holds up no reader beyond its deadline, and ends with the provider', async (t) => {
  const server = createServer(() => undefined)
  const address = `http://127.0.0.1:${await listen(t, server)}`
  const { provider } = await connect(t, { address })
  const passed = startStopwatch()
  const read = guarded(provider).read({ path: 'secret/a' }, within(100))
  await t.rejects(read, new ProviderFault('timeout'))
  t.ok(passed() < 300)
  await provider.close()
  t.ok(await isLeftAlone(server))
})

test('a credential that cannot be sent in a header is a misconfiguration, and not in the fault', async (t) => {
  const { address } = await openVault(t)
  const { provider } = await connect(
    t,
    { address, auth: { method: 'token', token: { env: 'TOKEN' } } },
    { TOKEN: 'line one\nline two' }
  )
  await t.rejects(
    provider.read({ path: 'secret/a' }, within()),
    new ProviderFault('misconfigured', { code: 'ERR_INVALID_CHAR', isRefusal: true })
  )
})

test('a store that is down does not stop a start', async (t) => {
  const { provider } = await connect(t, { address: `http://127.0.0.1:${await closedPort()}` })
  await t.rejects(
    provider.check(within()),
    new ProviderFault('unavailable', { code: 'ECONNREFUSED' })
  )
})

test('settings that make no sense are refused with a sentence', async (t) => {
  const address = 'https://vault.internal:8200/'
  t.strictSame(vault.address({ address, namespace: 'admin', mounts, auth }), {
    kind: 'vault',
    origin: 'https://vault.internal:8200',
    namespace: 'admin',
    mounts
  })
  const nonsense: readonly Partial<Settings>[] = [
    { mounts: [...mounts, ...mounts] },
    { mounts: [{ path: 'a/../b', version: 1 }] },
    { namespace: '..' },
    { caCertBase64: Buffer.from('not a certificate').toString('base64') }
  ]
  for (const part of nonsense) {
    t.throws(() => vault.address({ address, mounts, auth, ...part }), Error, JSON.stringify(part))
  }
})
