/** What the common suite cannot know of GCP: gRPC and its statuses, checksums, and the ways to log in. */
import { generateKeyPairSync, verify } from 'node:crypto'
import { createServer } from 'node:http2'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Test, test } from 'tap'
import type { FaultReason } from '../../../src/core/fault.ts'
import type { Locator } from '../../../src/core/secret.ts'
import { gcpSecretManager, placeOf } from '../../../src/kinds/gcp/index.ts'
import type { ProviderDeps } from '../../../src/kinds/provider.ts'
import { faultOf, within } from '../../contract/subject.ts'
import { createCanary, everythingIn } from '../../support/canary.ts'
import { guarded } from '../../support/guarded.ts'
import { createDeps } from '../../support/provider-deps.ts'
import {
  type Dialect,
  listen,
  openWire,
  type WireAnswer,
  type WireBehaviour
} from '../../support/wire.ts'
import {
  accessed,
  calledIn,
  connectGcp,
  errorInfo,
  gcpDialect,
  labelled,
  listed,
  PROJECT,
  refusal,
  retryInfo,
  VERSION_NAME
} from './fake.ts'

interface Choice {
  readonly behaviour?: WireBehaviour
  readonly dialect?: Partial<Dialect>
  readonly settings?: object
  readonly deps?: ProviderDeps
}

const open = async (t: Test, { behaviour, dialect, settings, deps }: Choice = {}) => {
  const spoken = { ...gcpDialect, ...dialect }
  const wire = await openWire(t, spoken, behaviour ?? { read: 'found', text: 'x' })
  const provider = await connectGcp(t, wire, deps ?? createDeps(), settings)
  t.teardown(() => provider.close())
  const read = (locator: Locator = { path: 'a' }) => provider.read(locator, within())
  return { wire, provider, read }
}

const answering = (answer: WireAnswer): Choice => ({ dialect: { found: () => answer } })

const STATUSES: readonly (readonly [WireAnswer, FaultReason, string])[] = [
  [refusal(1, 'x'), 'unavailable', 'UNKNOWN'],
  [refusal(2, 'x'), 'unavailable', 'UNKNOWN'],
  [refusal(3, 'x'), 'misconfigured', 'INVALID_ARGUMENT'],
  [refusal(4, 'x'), 'timeout', 'DEADLINE_EXCEEDED'],
  [refusal(5, 'x'), 'not_found', 'NOT_FOUND'],
  [refusal(7, 'x'), 'denied', 'PERMISSION_DENIED'],
  [refusal(7, 'x', errorInfo('SERVICE_DISABLED')), 'denied', 'SERVICE_DISABLED'],
  [refusal(8, 'x', retryInfo(2)), 'throttled', 'RESOURCE_EXHAUSTED'],
  [refusal(9, 'Secret Version [v] is in DISABLED state.'), 'not_found', 'version_disabled'],
  [refusal(9, 'Secret Version [v] is in DESTROYED state.'), 'not_found', 'version_destroyed'],
  [refusal(9, 'The key of the secret is disabled.'), 'misconfigured', 'FAILED_PRECONDITION'],
  [refusal(12, 'x'), 'invalid_answer', 'UNIMPLEMENTED'],
  [refusal(13, 'x'), 'unavailable', 'INTERNAL'],
  [refusal(14, 'x'), 'unavailable', 'UNAVAILABLE'],
  [refusal(16, 'x', errorInfo('ACCESS_TOKEN_EXPIRED')), 'denied', 'UNAUTHENTICATED'],
  [refusal(99, 'x'), 'unavailable', 'UNKNOWN']
]

test('a status of Google goes by its code, and the operator gets to see its name', async (t) => {
  for (const [answer, reason, code] of STATUSES) {
    const { read } = await open(t, answering(answer))
    const fault = await faultOf(read())
    t.match({ reason: fault.reason, code: fault.code }, { reason, code })
  }
})

test('a status that comes behind a message counts as well', async (t) => {
  const good = accessed(VERSION_NAME, Buffer.from('x'))
  const { read } = await open(t, answering({ ...good, trailers: { 'grpc-status': '5' } }))
  t.equal((await faultOf(read())).reason, 'not_found')
})

test('a locator asks for a version, an alias or the latest, in the project and the location', async (t) => {
  const { wire, read } = await open(t)
  await read({ path: 'app' })
  await read({ path: 'app', version: '7' })
  await read({ path: 'app', version: 'blue' })
  const regional = await open(t, { settings: { location: 'europe-west3' } })
  await regional.read({ path: 'app' })
  const requests = [...wire.reads, ...regional.wire.reads]
  const names = ['latest', '7', 'blue'].map((v) => `projects/${PROJECT}/secrets/app/versions/${v}`)
  names.push(`projects/${PROJECT}/locations/europe-west3/secrets/app/versions/latest`)
  t.strictSame(
    requests.map(calledIn),
    names.map((name) => ['AccessSecretVersion', name])
  )
  t.strictSame(
    requests.map(({ headers }) => headers['x-goog-request-params']),
    names.map((name) => `name=${encodeURIComponent(name)}`)
  )
})

test('the host is that of the location, unless a private endpoint takes its place', async (t) => {
  const hosts = [
    {},
    { location: 'europe-west3' },
    { location: 'europe-west3', endpoint: 'psc.example' },
    { endpoint: '[::1]:9090' }
  ].map((settings) => placeOf({ project: PROJECT, ...settings }))
  t.strictSame(hosts, [
    { host: 'secretmanager.googleapis.com', port: 443 },
    { host: 'secretmanager.europe-west3.rep.googleapis.com', port: 443 },
    { host: 'psc.example', port: 443 },
    { host: '[::1]', port: 9090 }
  ])
})

test('settings that would send secrets in the clear are refused', async (t) => {
  const addressOf = (settings: object) => () =>
    gcpSecretManager.address({ project: PROJECT, ...settings })
  t.throws(addressOf({ insecure: true }), /in the clear/)
  t.throws(addressOf({ insecure: true, endpoint: '10.0.0.1:9090' }), /in the clear/)
  t.throws(addressOf({ insecure: true, endpoint: '127.0.0.1.example:9090' }), /in the clear/)
  t.throws(addressOf({ endpoint: 'localhost:99999' }), /endpoint/)
  t.strictSame(addressOf({ insecure: true, endpoint: 'localhost:1', projectNumber: '12345' })(), {
    kind: 'gcp-secret-manager',
    project: PROJECT,
    projectNumber: '12345'
  })
})

test('bytes that are not UTF-8 come as base64 and say so', async (t) => {
  const bytes = Buffer.from([0x00, 0xff, 0xfe, 0x80, 0x0a, 0xc3])
  const { read } = await open(t, answering(accessed(VERSION_NAME, bytes)))
  const { text, encoding, version } = await read()
  t.equal(text.reveal(), bytes.toString('base64'))
  t.equal(encoding, 'base64')
  t.equal(version, '7')
})

test('the largest payload comes whole', async (t) => {
  const text = 'ż'.repeat(32_768)
  const { read } = await open(t, { behaviour: { read: 'found', text } })
  t.ok((await read()).text.reveal() === text)
})

test('a payload without a checksum is taken, and one whose checksum is another is not', async (t) => {
  const canary = createCanary()
  const data = Buffer.from(canary.token)
  const good = await open(t, answering(accessed(VERSION_NAME, data, null)))
  t.equal((await good.read()).text.reveal(), canary.token)
  const damaged = accessed(VERSION_NAME, data.subarray(1), 1)
  const { read, wire } = await open(t, answering(damaged))
  const fault = await faultOf(read())
  t.match(
    { reason: fault.reason, code: fault.code },
    { reason: 'invalid_answer', code: 'checksum' }
  )
  t.strictSame(canary.findIn(everythingIn(fault)), [])
  t.equal(wire.reads.length, 1)
})

test('an answer without a value, a version or a readable message is invalid', async (t) => {
  const good = accessed(VERSION_NAME, Buffer.from('x'))
  const broken = `${good.body.slice(0, 6)}\xff\xff\xff${good.body.slice(9)}`
  for (const answer of [
    accessed(VERSION_NAME, Buffer.alloc(0)),
    accessed('projects/1/secrets/s/versions/latest', Buffer.from('x')),
    { ...good, body: broken },
    { ...good, body: `\0\x7f\xff\xff\xff${good.body.slice(5)}` }
  ]) {
    const { read } = await open(t, answering(answer))
    t.equal((await faultOf(read())).reason, 'invalid_answer')
  }
})

test('an answer that announces more than any secret holds is not waited for', async (t) => {
  const good = accessed(VERSION_NAME, Buffer.from('x'))
  const { read } = await open(t, {
    behaviour: { read: 'stalled', text: 'x' },
    dialect: { found: () => ({ ...good, body: `\0\x7f\xff\xff\xff${good.body.slice(5)}` }) }
  })
  t.equal((await faultOf(read())).reason, 'invalid_answer')
})

test('labels are read from the secret, without its value', async (t) => {
  const { provider, wire } = await open(
    t,
    answering(labelled({ 'purser-read': 'true', team: 'a' }))
  )
  const tags = await provider.readTags?.({ path: 'app', version: '7' }, within())
  t.strictSame(
    [...(tags ?? [])],
    [
      ['purser-read', 'true'],
      ['team', 'a']
    ]
  )
  t.strictSame(wire.reads.map(calledIn), [['GetSecret', `projects/${PROJECT}/secrets/app`]])
})

test('check asks for one secret, and takes no refusal but that of IAM for good health', async (t) => {
  const { provider, wire } = await open(t)
  await provider.check(within())
  t.strictSame(wire.reads.map(calledIn), [['ListSecrets', `projects/${PROJECT}`]])
  const disabled = await open(t, answering(refusal(7, 'x', errorInfo('SERVICE_DISABLED'))))
  t.equal((await faultOf(disabled.provider.check(within()))).reason, 'denied')
  const proxy = { read: 'status', status: 403, type: 'text/html', body: '<html>' } as const
  const refused = await open(t, { behaviour: proxy })
  t.equal((await faultOf(refused.provider.check(within()))).reason, 'denied')
})

test('an aborted call is cancelled at the peer', async (t) => {
  const server = createServer()
  const cancelled = new Promise<number>((resolve) => {
    server.on('stream', (stream) => stream.on('close', () => resolve(stream.rstCode)))
  })
  const arrived = new Promise((resolve) => server.once('stream', resolve))
  const settings = { project: PROJECT, endpoint: `127.0.0.1:${await listen(t, server)}` }
  const provider = guarded(
    await gcpSecretManager.connect({ ...settings, insecure: true }, createDeps())
  )
  t.teardown(() => provider.close())
  const abort = new AbortController()
  const fault = faultOf(provider.read({ path: 'a' }, { signal: abort.signal }))
  await arrived
  abort.abort()
  t.equal((await fault).reason, 'timeout')
  t.equal(await Promise.race([cancelled, sleep(1_000)]), 8) // CANCEL (RFC 9113 7)
})

test('closing ends a read that is under way, and no other begins', async (t) => {
  const { provider, wire } = await open(t, { behaviour: { read: 'silent' } })
  const fault = faultOf(provider.read({ path: 'a' }, within()))
  while (wire.reads.length === 0) await sleep(5)
  await provider.close()
  t.match(await fault, { reason: 'unavailable', code: 'closed' })
  t.match(await faultOf(provider.read({ path: 'a' }, within())), { code: 'closed' })
  t.equal(wire.reads.length, 1)
})

const keyFile = () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const json = JSON.stringify({
    type: 'service_account',
    client_email: 'reader@purser-test.iam.gserviceaccount.com',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    private_key_id: 'key-1',
    token_uri: 'http://127.0.0.1:1/not-followed'
  })
  return { publicKey, json }
}
const withKey = { auth: { method: 'service-account-key', key: { env: 'KEY' } } }

test('a key signs its own token, for which nobody else is asked', async (t) => {
  const { publicKey, json } = keyFile()
  const { wire, read } = await open(t, { settings: withKey, deps: createDeps({ KEY: json }) })
  await read()
  const [, token = ''] = String(wire.reads[0]?.headers.authorization).split(' ')
  const [head = '', claims = '', signature = ''] = token.split('.')
  const signed = Buffer.from(`${head}.${claims}`)
  t.ok(verify('sha256', signed, publicKey, Buffer.from(signature, 'base64url')))
  t.match(JSON.parse(Buffer.from(head, 'base64url').toString()), { alg: 'RS256', kid: 'key-1' })
  t.match(JSON.parse(Buffer.from(claims, 'base64url').toString()), {
    iss: 'reader@purser-test.iam.gserviceaccount.com',
    scope: 'https://www.googleapis.com/auth/cloud-platform'
  })
  t.equal(wire.logins.length, 0)
})

test('a key that was rotated is taken up when Google disowns the old one', async (t) => {
  const credentials = { KEY: keyFile().json }
  const { wire, read } = await open(t, {
    behaviour: { read: 'expired once', text: 'x' },
    dialect: {
      expired: (message) => {
        credentials.KEY = keyFile().json
        return gcpDialect.expired(message)
      }
    },
    settings: withKey,
    deps: createDeps(credentials)
  })
  await read()
  const [old, renewed] = wire.reads.map(gcpDialect.credentialOf)
  t.not(old, renewed)
})

test('a key that is none is misconfigured, shows nowhere and is sent nowhere', async (t) => {
  const canary = createCanary()
  const { json } = keyFile()
  const executable = JSON.stringify({ ...JSON.parse(json), type: 'external_account' })
  const unsigned = JSON.stringify({ ...JSON.parse(json), private_key: canary.token })
  for (const KEY of [`{"private_key": "${canary.token}`, executable, unsigned]) {
    const { wire, read } = await open(t, { settings: withKey, deps: createDeps({ KEY }) })
    const fault = await faultOf(read())
    t.match({ ...fault }, { reason: 'misconfigured', code: 'credentials' })
    t.strictSame(canary.findIn(everythingIn(fault)), [])
    t.equal(wire.reads.length, 0)
  }
})

test('default credentials that are not there are misconfigured, and nobody is asked', async (t) => {
  const { wire, read } = await open(t)
  process.env['GOOGLE_APPLICATION_CREDENTIALS'] = `${t.testdirName}/absent.json`
  t.match(await faultOf(read()), { reason: 'misconfigured', code: 'credentials' })
  t.equal(wire.reads.length + wire.logins.length, 0)
})

test('a login that is refused is denied, and one that fails may be tried again', async (t) => {
  const logins = (status: number): Partial<Dialect> => ({
    login: ({ url }) =>
      url === '/v1/token' ? { status, body: '{"error":"invalid_grant"}' } : undefined
  })
  const refused = await open(t, { dialect: logins(400) })
  t.match(await faultOf(refused.read()), { reason: 'denied', code: 'credentials', status: 400 })
  let isUp = false
  let now = Date.now()
  const failing = await open(t, {
    deps: createDeps({}, { now: () => now }),
    dialect: {
      login: (request, n) => (isUp ? gcpDialect.login(request, n) : logins(403).login?.(request, n))
    }
  })
  t.equal((await faultOf(failing.read())).reason, 'denied')
  isUp = true
  t.equal((await faultOf(failing.read())).reason, 'denied', 'the same credential waits')
  now += 33_000
  t.equal((await failing.read()).text.reveal(), 'x')
})

test('an emulator without `auth` is sent no credential', async (t) => {
  const { wire, read } = await open(t, { settings: { auth: undefined } })
  await read()
  t.equal(wire.reads[0]?.headers.authorization, undefined)
  t.equal(wire.logins.length, 0)
})

test('with `newest: enabled` the newest version that is not switched off is read', async (t) => {
  const asked: (readonly [string, string])[] = []
  const state = { latest: 'DISABLED', enabled: ['projects/1/secrets/a/versions/6'] }
  const found: Dialect['found'] = (_, request) => {
    const [method, name] = calledIn(request)
    asked.push([method, name])
    if (method === 'ListSecretVersions') return listed(state.enabled)
    return name.endsWith('/latest') && state.latest !== 'ENABLED'
      ? refusal(9, `Secret Version [projects/1/secrets/a/versions/7] is in ${state.latest} state.`)
      : accessed(name.replace('latest', '7'), Buffer.from('x'))
  }
  const { read } = await open(t, { dialect: { found }, settings: { newest: 'enabled' } })
  for (const latest of ['DISABLED', 'DESTROYED']) {
    state.latest = latest
    t.equal((await read()).version, '6')
  }
  t.match(asked.slice(0, 3), [
    ['AccessSecretVersion', /versions\/latest$/],
    ['ListSecretVersions', `projects/${PROJECT}/secrets/a`],
    ['AccessSecretVersion', /versions\/6$/]
  ])
  state.enabled = []
  t.match(await faultOf(read()), { reason: 'not_found', code: 'version_destroyed' })
  state.latest = 'ENABLED'
  asked.length = 0
  t.equal((await read()).version, '7')
  t.equal(asked.length, 1, 'and nothing is listed where the newest is good')

  const usual = await open(t, { dialect: { found } })
  state.latest = 'DISABLED'
  t.match(await faultOf(usual.read()), { reason: 'not_found', code: 'version_disabled' })
})
