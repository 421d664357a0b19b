/** What the common suite cannot know of Kubernetes: its secrets and their types, its own 404, and whom a check asks. */
import { test } from 'tap'
import { faultOf, within } from '../../contract/subject.ts'
import { createCanary, everythingIn } from '../../support/canary.ts'
import type { WireAnswer } from '../../support/wire.ts'
import {
  type Answer,
  encoded,
  json,
  kubernetesDialect,
  openKubernetes,
  secret,
  status
} from './fake.ts'

const path = 'apps/db'

test('a secret is read as the JSON of its keys, with its labels and its resourceVersion', async (t) => {
  const keystore = Buffer.from([0xfe, 0xed, 0xfe, 0xed, 0x00]).toString('base64')
  const data = { 'tls.key': encoded('żółw\n'), ['__proto__']: encoded('own'), empty: '', keystore }
  const { provider, wire } = await openKubernetes(t, (request) => secret(request, data))
  const record = await provider.read({ path }, within())
  t.equal(
    record.text.reveal(),
    JSON.stringify({ 'tls.key': 'żółw\n', ['__proto__']: 'own', empty: '', keystore })
  )
  t.equal(record.encoding, undefined)
  t.strictSame([...(record.encodings ?? [])], [['keystore', 'base64']])
  t.equal(record.version, '1042')
  t.strictSame([...(record.tags ?? [])], [['purser-read', 'true']])
  t.strictSame(
    wire.reads.map(({ method, url }) => `${method} ${url}`),
    ['GET /api/v1/namespaces/apps/secrets/db']
  )
})

test('a text is a text, also if it has the characters of the base64 of bytes', async (t) => {
  const bytes = Buffer.from([0xfe, 0xed, 0xfe, 0xed, 0x00]).toString('base64')
  const { provider } = await openKubernetes(t, (request) => secret(request, { a: encoded(bytes) }))
  const record = await provider.read({ path }, within())
  t.equal(record.text.reveal(), JSON.stringify({ a: bytes }))
  t.equal(record.encodings, undefined)
})

test('a secret without data or labels has no fields and no tags', async (t) => {
  const metadata = { name: 'db', namespace: 'apps', resourceVersion: '7' }
  const { provider } = await openKubernetes(t, (request) =>
    secret(request, {}, { data: undefined, metadata })
  )
  const record = await provider.read({ path }, within())
  t.equal(record.text.reveal(), '{}')
  t.equal(record.tags?.size, 0)
})

test('a token to the cluster itself is refused, whatever policy allows', async (t) => {
  for (const [type, code] of [
    ['kubernetes.io/service-account-token', 'service_account_token'],
    ['bootstrap.kubernetes.io/token', 'bootstrap_token']
  ]) {
    const canary = createCanary()
    const data = { token: encoded(canary.token) }
    const { provider } = await openKubernetes(t, (request) => secret(request, data, { type }))
    const fault = await faultOf(provider.read({ path }, within()))
    t.match(fault, { reason: 'denied', code })
    t.strictSame(canary.findIn(everythingIn(fault)), [])
  }
})

test('another namespace, a path that is none and a version are refused before anything is sent', async (t) => {
  const { provider, wire } = await openKubernetes(t)
  const cases = [
    [{ path: 'kube-system/db' }, { reason: 'misconfigured', code: 'namespace' }],
    [{ path: 'db' }, { reason: 'misconfigured', code: 'namespace' }],
    [{ path: 'apps/' }, { reason: 'misconfigured', code: 'path' }],
    [{ path: 'apps/../../kube-system/secrets/db' }, { reason: 'misconfigured', code: 'path' }],
    [{ path: 'apps/db?x=y' }, { reason: 'misconfigured', code: 'path' }],
    [
      { path, version: '1042' },
      { reason: 'not_found', code: 'unversioned' }
    ]
  ] as const
  for (const [locator, fault] of cases) {
    t.match(await faultOf(provider.read(locator, within())), fault, JSON.stringify(locator))
  }
  t.equal(wire.reads.length + wire.logins.length, 0)
})

test('an answer of another secret, or of none, is not taken', async (t) => {
  const metadata = { name: 'other', namespace: 'apps', resourceVersion: '7' }
  const answers: readonly Answer[] = [
    (request) => secret(request, {}, { metadata }),
    (request) => secret(request, {}, { metadata: { ...metadata, name: 'db', namespace: 'web' } }),
    (request) => secret(request, {}, { metadata: { name: 'db', namespace: 'apps' } }),
    (request) => secret(request, {}, { type: undefined }),
    (request) => secret(request, {}, { kind: 'ConfigMap' }),
    (request) => secret(request, { value: 'not base64!' }),
    (request) => secret(request, { value: 'x'.repeat(2 * 1024 * 1024) }),
    () => json(200, [])
  ]
  for (const answer of answers) {
    const { provider } = await openKubernetes(t, answer)
    t.equal((await faultOf(provider.read({ path }, within()))).reason, 'invalid_answer')
  }
})

test('a 404 that is not about the secret does not say that there is none', async (t) => {
  const answers = [
    status(404, 'NotFound', 'the server could not find the requested resource', {}),
    status(404, 'NotFound', 'pods "db" not found', { name: 'db', kind: 'pods' }),
    status(404, 'Expired', 'x', { kind: 'secrets' }),
    json(404, { reason: 'NotFound', details: { kind: 'secrets' } }),
    { status: 404, headers: { 'content-type': 'text/plain' }, body: '404 page not found\n' }
  ]
  for (const answer of answers) {
    const { provider } = await openKubernetes(t, () => answer)
    t.match(await faultOf(provider.read({ path }, within())), {
      reason: 'unavailable',
      status: 404
    })
  }
})

test('the reason of a Status goes to the operator, its message to nobody', async (t) => {
  const canary = createCanary()
  for (const [code, word, reason] of [
    [400, 'BadRequest', 'misconfigured'],
    [403, 'Forbidden', 'denied'],
    [429, 'TooManyRequests', 'throttled'],
    [500, 'InternalError', 'unavailable'],
    [504, 'Timeout', 'unavailable']
  ] as const) {
    const { provider } = await openKubernetes(t, () => status(code, word, canary.token))
    const fault = await faultOf(provider.read({ path }, within()))
    t.match(fault, { reason, code: word, status: code })
    t.strictSame(canary.findIn(everythingIn(fault)), [])
  }
})

test('check proves who we are, whatever it would allow, and takes no portal for the API server', async (t) => {
  const { provider, wire } = await openKubernetes(t, (request) =>
    kubernetesDialect.found('', request)
  )
  await provider.check(within())
  t.match(JSON.parse(wire.reads[0]?.body ?? ''), {
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes: { namespace: 'apps', verb: 'get', resource: 'secrets' } }
  })
  const portal = await openKubernetes(t, () => ({ status: 200, body: '<html>' }))
  t.equal((await faultOf(portal.provider.check(within()))).reason, 'invalid_answer')
  const stranger = await openKubernetes(t, () => status(401, 'Unauthorized', 'Unauthorized'))
  t.match(await faultOf(stranger.provider.check(within())), { reason: 'denied', status: 401 })
})

test('check fails while the server has lost what keeps the secrets, if it may ask for that', async (t) => {
  const review = {
    status: 201,
    body: '{"kind":"SelfSubjectAccessReview","status":{"allowed":true}}'
  }
  const readyz = (answer: WireAnswer) =>
    openKubernetes(t, ({ url }) => (url === '/readyz' ? answer : review))
  const lost = {
    status: 500,
    body: '[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed'
  }
  const without = await readyz(lost)
  t.match(await faultOf(without.provider.check(within())), { reason: 'unavailable', status: 500 })
  for (const answer of [
    { status: 200, body: 'ok' },
    status(403, 'Forbidden', 'no'),
    status(404, 'NotFound', 'no')
  ]) {
    await (await readyz(answer)).provider.check(within())
  }
})

test('a server that says when it will be back is not asked again before', async (t) => {
  for (const [headers, asked] of [
    [{ 'retry-after': '2' }, 1],
    [{}, 2]
  ] as const) {
    const { provider, wire } = await openKubernetes(t, () => ({ status: 503, headers, body: '' }))
    t.equal((await faultOf(provider.read({ path }, within()))).reason, 'unavailable')
    t.equal(wire.reads.length, asked)
  }
})
