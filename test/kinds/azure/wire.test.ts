/** What the common suite cannot know of Azure: its words, its dates, its hosts, and the ways to log in. */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join, resolve } from 'node:path'
import { type Test, test } from 'tap'
import type { FaultReason } from '../../../src/core/fault.ts'
import { type Locator, Sensitive } from '../../../src/core/secret.ts'
import { azureKeyVault } from '../../../src/kinds/azure/index.ts'
import type { Auth } from '../../../src/kinds/azure/login.ts'
import type { ProviderDeps } from '../../../src/kinds/provider.ts'
import { createCanary } from '../../support/canary.ts'
import { createDeps } from '../../support/provider-deps.ts'
import {
  type Dialect,
  listen,
  openWire,
  type Wire,
  type WireBehaviour
} from '../../support/wire.ts'
import {
  answer,
  azureDialect,
  bundle,
  CLIENT,
  clientSecret,
  connectAzure,
  refusal,
  TENANT,
  VERSION
} from './fake.ts'

const FOUND: WireBehaviour = { read: 'found', text: 'x' }
const SECRET = { AZURE_SECRET: 'an-app-secret' }

interface Options {
  readonly behaviour?: WireBehaviour
  readonly dialect?: Partial<Dialect>
  readonly deps?: Partial<ProviderDeps>
  readonly settings?: (wire: Wire) => Parameters<typeof connectAzure>[3]
}

const open = async (t: Test, { behaviour = FOUND, dialect, deps, settings }: Options = {}) => {
  const wire = await openWire(t, { ...azureDialect, ...dialect }, behaviour)
  const provider = await connectAzure(t, wire, createDeps(SECRET, deps), settings?.(wire))
  t.teardown(() => provider.close())
  const options = () => ({ signal: AbortSignal.timeout(5_000) })
  return {
    wire,
    read: (locator: Locator = { path: 'a' }) => provider.read(locator, options()),
    check: () => provider.check(options())
  }
}

const REFUSALS: readonly (readonly [
  status: number,
  code: string,
  inner: string | undefined,
  FaultReason,
  seen: string
])[] = [
  [404, 'SecretNotFound', undefined, 'not_found', 'SecretNotFound'],
  [404, 'ResourceNotFound', undefined, 'unavailable', 'ResourceNotFound'],
  [403, 'Forbidden', 'SecretDisabled', 'not_found', 'secret_disabled'],
  [403, 'Forbidden', 'SecretExpired', 'not_found', 'secret_expired'],
  [403, 'Forbidden', 'ForbiddenByRbac', 'denied', 'ForbiddenByRbac'],
  [403, 'Forbidden', 'ForbiddenByFirewall', 'denied', 'ForbiddenByFirewall'],
  [403, 'Forbidden', undefined, 'denied', 'Forbidden'],
  [400, 'BadParameter', undefined, 'misconfigured', 'BadParameter'],
  [429, 'Throttled', undefined, 'throttled', 'Throttled'],
  [503, 'ServiceUnavailable', undefined, 'unavailable', 'ServiceUnavailable']
]

test('a refusal goes by the words of Key Vault, which the operator gets to see', async (t) => {
  for (const [status, code, inner, reason, seen] of REFUSALS) {
    const found: Dialect['found'] = () => refusal(status, code, 'some text', inner)
    const { read } = await open(t, { dialect: { found } })
    await t.rejects(read(), { name: 'ProviderFault', reason, code: seen, status }, seen)
  }
})

test('a locator asks for a name and a version, and the record names the one that came', async (t) => {
  const { wire, read } = await open(t)
  const old = 'fedcba9876543210fedcba9876543210'
  t.equal((await read({ path: 'app-db' })).version, VERSION)
  t.equal((await read({ path: 'app-db', version: old })).version, old)
  t.match(wire.reads[0]?.url, /^\/secrets\/app-db\/\?api/)
  t.match(wire.reads[1]?.url, new RegExp(`^/secrets/app-db/${old}\\?api`))
})

test('what no secret can be called is not found, and nobody is asked', async (t) => {
  const { wire, read } = await open(t)
  const locators: Locator[] = [
    { path: '..' },
    { path: 'a/b' },
    { path: '' },
    { path: 'a', version: '../..' }
  ]
  for (const locator of locators)
    await t.rejects(read(locator), { name: 'ProviderFault', reason: 'not_found' })
  t.equal(wire.reads.length, 0)
})

test('every text comes as it is, and a content type makes no bytes of it', async (t) => {
  const base64 = Buffer.from([0, 255, 254]).toString('base64')
  for (const text of ['Zażółć 🔑 "q" \\ \n\t', 'x'.repeat(25_600), '', base64]) {
    const found: Dialect['found'] = (value, request) =>
      bundle(value, request, { contentType: 'application/octet-stream' })
    const { read } = await open(t, { behaviour: { read: 'found', text }, dialect: { found } })
    const record = await read()
    t.ok(record.text.reveal() === text)
    t.equal(record.encoding, undefined)
  }
})

test('the tags of a secret come with its text', async (t) => {
  const cases: readonly (readonly [more: object, tags: [string, string][]])[] = [
    [
      { tags: { 'purser-read': 'true', team: 'a' } },
      [
        ['purser-read', 'true'],
        ['team', 'a']
      ]
    ],
    [{}, []]
  ]
  for (const [more, tags] of cases) {
    const found: Dialect['found'] = (text, request) => bundle(text, request, more)
    const { read } = await open(t, { dialect: { found } })
    t.strictSame([...((await read()).tags ?? ['none'])], tags)
  }
})

test('an answer that is far too large is not read to its end', async (t) => {
  const text = 'x'.repeat(2 * 1024 * 1024)
  const { read } = await open(t, { behaviour: { read: 'found', text } })
  await t.rejects(read(), { name: 'ProviderFault', reason: 'invalid_answer', code: 'too_large' })
})

test('a secret that is disabled or out of its dates is not given out', async (t) => {
  const now = 1_800_000_000
  const cases: readonly (readonly [attributes: object, code: string | undefined])[] = [
    [{ enabled: false }, 'secret_disabled'],
    [{ exp: now }, 'secret_expired'],
    [{ exp: now + 1 }, undefined],
    [{ nbf: now + 1 }, 'secret_not_yet_valid'],
    [{ nbf: now }, undefined]
  ]
  for (const [attributes, code] of cases) {
    const found: Dialect['found'] = (text, request) =>
      bundle(text, request, { attributes: { enabled: true, ...attributes } })
    const { read } = await open(t, { dialect: { found }, deps: { now: () => now * 1_000 } })
    if (code === undefined) t.equal((await read()).text.reveal(), 'x')
    else await t.rejects(read(), { name: 'ProviderFault', reason: 'not_found', code })
  }
})

test('a role that may not list is in good health, and one secret is all that is asked for', async (t) => {
  for (const inner of ['AccessDenied', 'ForbiddenByRbac', 'ForbiddenByPolicy']) {
    const denied: Dialect['denied'] = (message) => refusal(403, 'Forbidden', message, inner)
    const { wire, check } = await open(t, {
      behaviour: { read: 'denied', message: 'no' },
      dialect: { denied }
    })
    await check()
    t.match(wire.reads[0]?.url, /maxresults=1\b/)
  }
})

test("a login asks for Key Vault's audience, whatever the challenge names", async (t) => {
  const resource = 'https://management.azure.com'
  const aside: Dialect['aside'] = (request) => {
    const usual = azureDialect.aside?.(request)
    if (usual?.headers?.['www-authenticate'] === undefined) return usual
    const told = `Bearer authorization="https://127.0.0.1/${CLIENT}", resource="${resource}"`
    return { ...usual, headers: { 'www-authenticate': told } }
  }
  const { wire, read } = await open(t, { dialect: { aside } })
  await read()
  const form = new URLSearchParams(wire.logins[0]?.body)
  t.match(form.get('scope'), /^https:\/\/vault\.azure\.net\/\.default/)
  t.equal(form.get('client_id'), CLIENT)
  t.equal(form.get('client_secret'), SECRET.AZURE_SECRET)
  t.match(wire.logins[0]?.url, new RegExp(`^/${TENANT}/`))
})

test("a host that is not allowed to be any gets no token for a challenge of Azure's", async (t) => {
  const { wire, read } = await open(t, { settings: () => ({ allowAnyHost: false }) })
  await t.rejects(read(), { name: 'ProviderFault', reason: 'misconfigured', code: 'challenge' })
  t.equal(wire.logins.length, 0)
  t.equal(wire.reads.length, 0)
})

test('the first request of all may fail like any other', async (t) => {
  const html = { type: 'text/html', body: '<html></html>' }
  const cases: readonly (readonly [WireBehaviour, FaultReason])[] = [
    [{ read: 'status', status: 401, ...html }, 'denied'],
    [{ read: 'status', status: 404, ...html }, 'unavailable'],
    [{ read: 'throttled', message: 'x' }, 'throttled'],
    [{ read: 'redirect' }, 'unavailable']
  ]
  for (const [behaviour, reason] of cases) {
    const { wire, read } = await open(t, { behaviour, dialect: { aside: () => undefined } })
    await t.rejects(read(), { name: 'ProviderFault', reason })
    t.equal(wire.elsewhere.length, 0)
  }
})

test('a login that fails tells why, and is remembered for a while where it was refused', async (t) => {
  const oauth = (status: number, error: string) =>
    answer(status, { error, error_description: 'AADSTS0: some text', error_codes: [0] })
  const later = { ...oauth(429, 'temporarily_unavailable'), headers: { 'retry-after': '7' } }
  const cases = [
    [oauth(401, 'invalid_client'), { reason: 'denied', code: 'invalid_client' }],
    [oauth(400, 'unauthorized_client'), { reason: 'denied', code: 'unauthorized_client' }],
    [later, { reason: 'throttled', retryAfterSeconds: 7 }],
    [
      { status: 503, body: '<html>' },
      { name: 'ProviderFault', reason: 'unavailable', code: 'login' }
    ],
    [
      { status: 200, body: '<html>' },
      { name: 'ProviderFault', reason: 'invalid_answer', code: 'login' }
    ]
  ] as const
  for (const [refused, fault] of cases) {
    let isRefusing = true
    const login: Dialect['login'] = (request, n) => {
      const granted = azureDialect.login(request, n)
      return granted !== undefined && isRefusing ? refused : granted
    }
    let now = Date.now()
    const { wire, read } = await open(t, { dialect: { login }, deps: { now: () => now } })
    await t.rejects(read(), { name: 'ProviderFault', ...fault })
    t.equal(wire.reads.length, 0)
    isRefusing = false
    if (fault.reason === 'denied') {
      await t.rejects(read(), { name: 'ProviderFault', reason: 'denied' })
      now += 33_000
    }
    t.equal((await read()).text.reveal(), 'x')
  }
})

test('a credential is read anew at each login, and one that is absent asks nobody', async (t) => {
  const secrets = ['old', 'new']
  let now = Date.now()
  const { wire, read } = await open(t, {
    deps: {
      now: () => now,
      credential: async () => {
        const next = secrets.shift()
        if (next === undefined) throw new Error('gone')
        return new Sensitive(next)
      }
    }
  })
  await read()
  await read()
  now += 3_590_000
  await read()
  const sent = wire.logins.map(({ body }) => new URLSearchParams(body).get('client_secret'))
  t.strictSame(sent, ['old', 'new'])
  now += 3_600_000
  await t.rejects(read(), { name: 'ProviderFault', reason: 'misconfigured', code: 'credential' })
  t.equal(wire.logins.length, 2)
})

test("a workload identity logs in with the service account's token", async (t) => {
  const { wire, read } = await open(t, {
    settings: (wire) => {
      const { clientSecret: token, ...application } = clientSecret(wire)
      return { auth: { ...application, method: 'workload-identity', token } }
    }
  })
  await read()
  const form = new URLSearchParams(wire.logins[0]?.body)
  t.equal(form.get('client_assertion'), SECRET.AZURE_SECRET)
  t.equal(form.get('client_id'), CLIENT)
})

/** The SDK looks for identities in these; nothing of this machine's own may come in. */
const useIdentity = (t: Test, host: string): void => {
  const mine = /^(AZURE|IDENTITY|MSI|IMDS)_/
  const before = Object.entries(process.env).filter(([name]) => mine.test(name))
  const clear = () => {
    for (const name of Object.keys(process.env)) if (mine.test(name)) delete process.env[name]
  }
  clear()
  process.env['AZURE_POD_IDENTITY_AUTHORITY_HOST'] = host
  t.teardown(() => {
    clear()
    Object.assign(process.env, Object.fromEntries(before))
  })
}

test('a managed identity logs in at this machine, by itself or at the end of the default chain', async (t) => {
  let status = 200
  const login: Dialect['login'] = ({ url, headers }, n) => {
    if (!url.startsWith('/metadata/identity/oauth2/token')) return undefined
    return status === 200 && headers['metadata'] === 'true'
      ? answer(200, {
          access_token: `token-${n}`,
          token_type: 'Bearer',
          resource: 'https://vault.azure.net',
          expires_on: String(Math.floor(Date.now() / 1_000) + 3_600)
        })
      : answer(status, { error: 'invalid_request', error_description: 'Identity not found' })
  }
  // MSAL keeps the address that it meets first for the whole process, and tokens by identity: one peer has to do.
  const wire = await openWire(t, { ...azureDialect, login }, FOUND)
  useIdentity(t, wire.loginUrl)
  const read = async (auth: Auth) => {
    const provider = await connectAzure(t, wire, createDeps(), { auth })
    try {
      return await provider.read({ path: 'a' }, { signal: AbortSignal.timeout(5_000) })
    } finally {
      // The next store's logins go by a client of this one's.
      await provider.close()
    }
  }
  const managed = (clientId: string): Auth => ({ method: 'managed-identity', clientId })

  const ways: readonly Auth[] = [managed(CLIENT), managed('another'), { method: 'default' }]
  for (const auth of ways) t.equal((await read(auth)).text.reveal(), 'x')
  const asked = wire.logins.map(({ url }) => new URL(url, wire.loginUrl).searchParams)
  t.strictSame(
    asked.map((query) => query.get('client_id')),
    [CLIENT, 'another', null]
  )
  t.ok(asked.every((query) => query.get('resource') === 'https://vault.azure.net'))
  t.strictSame(
    wire.reads.map(({ headers }) => headers.authorization),
    ['Bearer token-1', 'Bearer token-2', 'Bearer token-3']
  )

  status = 400
  await t.rejects(read(managed('absent')), {
    name: 'ProviderFault',
    reason: 'denied',
    code: 'invalid_request'
  })
  status = 500
  await t.rejects(read(managed('busy')), { name: 'ProviderFault', reason: 'unavailable' })
})

test('a proxy of the environment has no part in it', async (t) => {
  let arrived = 0
  const proxy = createServer((_, response) => {
    arrived += 1
    response.end()
  })
  proxy.on('connect', (_, socket) => {
    arrived += 1
    socket.destroy()
  })
  const port = await listen(t, proxy)
  const { HTTPS_PROXY: before } = process.env
  process.env['HTTPS_PROXY'] = `http://127.0.0.1:${port}`
  t.teardown(() => {
    if (before === undefined) delete process.env['HTTPS_PROXY']
    else process.env['HTTPS_PROXY'] = before
  })
  const { read } = await open(t)
  t.equal((await read()).text.reveal(), 'x')
  t.equal(arrived, 0)
})

test('the log of the SDK, where an operator turns it up, holds no value, token or secret', async (t) => {
  const canary = createCanary()
  const wire = await openWire(t, azureDialect, { read: 'found', text: canary.token })
  const caCertFile = join(t.testdir(), 'ca.pem')
  writeFileSync(caCertFile, wire.ca ?? '')
  const program = resolve(import.meta.dirname, 'process.js')
  const printed = await new Promise<string>((done) => {
    const env = { PATH: process.env['PATH'], AZURE_LOG_LEVEL: 'verbose' }
    execFile(
      process.execPath,
      [program, wire.url, caCertFile, 'the-app-secret'],
      { env, maxBuffer: 64 * 1024 * 1024 },
      (_, stdout, stderr) => done(stdout + stderr)
    )
  })
  t.match(printed, '/secrets/n49/', 'it did log')
  t.match(printed, '/secrets/written?', 'it did log')
  t.strictSame(canary.findIn(printed), [])
  t.notMatch(printed, 'the-app-secret')
  t.notMatch(printed, /token-\d/)
})

test("a vault has a host of Azure's own, unless any is allowed", async (t) => {
  const hostOf = (vaultUrl: string, allowAnyHost?: boolean) =>
    azureKeyVault.address({ vaultUrl, ...(allowAnyHost !== undefined && { allowAnyHost }) })
  for (const suffix of ['vault.azure.net', 'vault.azure.cn', 'vault.usgovcloudapi.net']) {
    const host = `my-vault.${suffix}`
    t.strictSame(hostOf(`https://My-Vault.${suffix}/`), { kind: 'azure-key-vault', host })
  }
  for (const other of [
    'https://my-vault.vault.azure.net.example.com',
    'https://my-vault.managedhsm.azure.net',
    'https://a.my-vault.vault.azure.net',
    'https://my-vault.vault.azure.net:8443',
    'https://my-vault.vault.azure.net.',
    'https://vault.azure.net',
    'https://127.0.0.1'
  ]) {
    t.throws(() => hostOf(other), { message: /allowAnyHost/ }, other)
    t.throws(() => hostOf(other, false))
    t.equal(hostOf(other, true).kind, 'azure-key-vault')
  }
})
