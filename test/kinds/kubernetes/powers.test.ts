/** What the common suite cannot know of writing to Kubernetes: what a patch names, what it leaves alone, what is refused. */
import { test } from 'tap'
import { Sensitive } from '../../../src/core/secret.ts'
import { faultOf, within } from '../../contract/subject.ts'
import { wirePowersSuite } from '../../contract/wire-powers-suite.ts'
import { writeCases } from '../../contract/write-suite.ts'
import { createCanary, everythingIn } from '../../support/canary.ts'
import type { Dialect } from '../../support/wire.ts'
import { encoded, kubernetesDialect, kubernetesSubject, secret } from './fake.ts'
import { type FakeCluster, openFakeCluster } from './fake-cluster.ts'

const path = 'apps/db'

const write = ({ provider }: FakeCluster, text: string, ifVersion?: string) =>
  provider.write({ path }, new Sensitive(text), {
    ...within(),
    ...(ifVersion !== undefined && { ifVersion })
  })

const patches = ({ wire }: FakeCluster) =>
  wire.reads.filter(({ method }) => method === 'PATCH').map(({ body }) => JSON.parse(body))

test('kubernetes against an API server that remembers', async (suite) => {
  writeCases(suite, kubernetesSubject, await openFakeCluster(suite))
})

// A write begins with a read: here that read is answered, and it is what follows that fails.
const readsAreAnswered: Dialect['aside'] = (request) =>
  request.method === 'GET' && request.url.startsWith('/api/v1/')
    ? secret(request, { value: encoded('what was there') })
    : undefined
if (kubernetesSubject.wire !== undefined) {
  wirePowersSuite('kubernetes, once it has read what it writes to,', kubernetesSubject, {
    ...kubernetesSubject.wire,
    dialect: { ...kubernetesDialect, aside: readsAreAnswered }
  })
}

test('the fields become those of the text, and all the rest of the secret stays', async (t) => {
  const cluster = await openFakeCluster(t)
  const metadata = {
    labels: { 'purser-read': 'true' },
    annotations: { note: 'kept' },
    ownerReferences: [{ kind: 'App', name: 'app' }],
    finalizers: ['example.com/kept']
  }
  const before = { same: encoded('same'), changed: encoded('old'), gone: encoded('gone') }
  const { version: resourceVersion } = cluster.apply(path, before, {
    metadata,
    type: 'example.com/own'
  })
  const text = { same: 'same', changed: 'new', added: 'żółw', empty: '' }
  const { version } = await write(cluster, JSON.stringify(text))
  t.strictSame(patches(cluster), [
    {
      metadata: { resourceVersion },
      data: { gone: null, changed: encoded('new'), added: encoded('żółw'), empty: '' }
    }
  ])
  t.match(cluster.stored(path), { metadata, type: 'example.com/own' })
  const record = await cluster.provider.read({ path }, within())
  t.equal(record.version, version)
  t.strictSame(JSON.parse(record.text.reveal()), text)
  t.strictSame([...(record.tags ?? [])], [['purser-read', 'true']])
})

test('what is no text becomes JSON, and no key is special', async (t) => {
  const cluster = await openFakeCluster(t)
  cluster.apply(path, { toString: encoded('old') })
  const text = '{"n":1,"o":{"a":[true,null]},"no":null,"__proto__":"own","constructor":"too"}'
  await write(cluster, text)
  t.equal(
    (await cluster.provider.read({ path }, within())).text.reveal(),
    '{"__proto__":"own","constructor":"too","n":"1","no":"null","o":"{\\"a\\":[true,null]}"}'
  )
})

test('bytes that were read as base64 and are written back stay the bytes that they were', async (t) => {
  const cluster = await openFakeCluster(t)
  const keystore = Buffer.from([0xfe, 0xed, 0xfe, 0xed, 0x00]).toString('base64')
  cluster.apply(path, { keystore, password: encoded('old') })
  const fields = JSON.parse((await cluster.provider.read({ path }, within())).text.reveal())
  await write(cluster, JSON.stringify({ ...fields, password: 'new' }))
  t.strictSame(cluster.stored(path)?.data, { keystore, password: encoded('new') })
})

test('a text that no Secret can hold is not even sent', async (t) => {
  const cluster = await openFakeCluster(t)
  const cases = [
    ...['', 'text', '"text"', '[]', 'null', '1', '{'].map((text) => [text, 'no_object']),
    ...['', '.', '..', '..a', 'a/b', 'a b', 'ż', 'k'.repeat(254)].map((key) => [
      JSON.stringify({ [key]: 'x' }),
      'key'
    ]),
    [JSON.stringify({ a: 'x'.repeat(1_048_576), b: 'x' }), 'too_large']
  ]
  for (const [text = '', code] of cases) {
    t.match(await faultOf(write(cluster, text)), { reason: 'invalid_request', code })
  }
  t.equal(cluster.wire.reads.length + cluster.wire.logins.length, 0)
  cluster.apply(path, {})
  const largest = {
    '.dockerconfigjson': 'x'.repeat(1_048_570),
    'A-z_0.9': '',
    [`k${'k'.repeat(252)}`]: 'x'
  }
  await write(cluster, JSON.stringify(largest))
  t.equal(Object.keys(cluster.stored(path)?.data ?? {}).length, 3)
})

test('a token to the cluster itself is not written to, whatever policy allows', async (t) => {
  for (const type of ['kubernetes.io/service-account-token', 'bootstrap.kubernetes.io/token']) {
    const cluster = await openFakeCluster(t)
    const canary = createCanary()
    cluster.apply(path, { token: encoded(canary.token) }, { type })
    const fault = await faultOf(write(cluster, '{"token":"mine"}'))
    t.equal(fault.reason, 'denied')
    t.strictSame(canary.findIn(everythingIn(fault)), [])
    t.strictSame(patches(cluster), [])
  }
})

test('an immutable secret is a conflict, and nothing is tried', async (t) => {
  const cluster = await openFakeCluster(t)
  cluster.apply(path, {}, { immutable: true })
  t.match(await faultOf(write(cluster, '{"a":"b"}')), { reason: 'conflict', code: 'immutable' })
  t.strictSame(patches(cluster), [])
})

test('fields that the type of the secret does not allow are an invalid request', async (t) => {
  const cluster = await openFakeCluster(t)
  const data = { 'tls.crt': encoded('c'), 'tls.key': encoded('k') }
  cluster.apply(path, data, { type: 'kubernetes.io/tls' })
  const fault = await faultOf(write(cluster, '{"tls.crt":"c"}'))
  t.match(fault, { reason: 'invalid_request', code: 'Invalid', status: 422 })
  t.strictSame(cluster.stored(path)?.data, data)
})

test("somebody else's change in between is not lost, but written upon or told", async (t) => {
  const cluster = await openFakeCluster(t)
  const { version } = cluster.apply(path, { a: encoded('1') })
  let others = 2
  cluster.beforePatch = () => {
    if (others-- > 0)
      cluster.apply(path, { theirs: encoded('x') }, { metadata: { labels: { l: 'new' } } })
  }
  t.equal((await faultOf(write(cluster, '{"a":"2"}', version))).reason, 'conflict')
  t.equal(cluster.wire.reads.length, 2, 'one read and one patch')
  await write(cluster, '{"a":"3"}')
  t.equal(patches(cluster).length, 3)
  t.match(cluster.stored(path)?.metadata, { labels: { l: 'new' } })
  t.strictSame(cluster.stored(path)?.data, { a: encoded('3') })
})

test('a secret that is changed all the time is not written to for ever', async (t) => {
  const cluster = await openFakeCluster(t)
  cluster.apply(path, {})
  cluster.beforePatch = () => void cluster.apply(path, {})
  const fault = await faultOf(write(cluster, '{"a":"b"}'))
  t.match(fault, { reason: 'unavailable', code: 'contended' })
  t.equal(patches(cluster).length, 10)
})

test('a write of what is there already changes nothing, and is no fault', async (t) => {
  const cluster = await openFakeCluster(t)
  const { version } = cluster.apply(path, { a: encoded('1') }, { metadata: { labels: { l: 'x' } } })
  t.strictSame(await write(cluster, '{"a":"1"}', version), { version })
})

test('another namespace, a path that is none and a version are refused before anything is sent', async (t) => {
  const { provider, wire } = await openFakeCluster(t)
  for (const [locator, reason] of [
    [{ path: 'kube-system/db' }, 'misconfigured'],
    [{ path: 'apps/../../kube-system/secrets/db' }, 'misconfigured'],
    [{ path, version: '1042' }, 'not_found']
  ] as const) {
    const fault = await faultOf(provider.write(locator, new Sensitive('{}'), within()))
    t.equal(fault.reason, reason)
  }
  t.equal(wire.reads.length + wire.logins.length, 0)
})

test('a secret that is not there is not made', async (t) => {
  const cluster = await openFakeCluster(t)
  t.equal((await faultOf(write(cluster, '{"a":"b"}'))).reason, 'not_found')
  t.strictSame(patches(cluster), [])
  t.equal(cluster.stored(path), undefined)
})
