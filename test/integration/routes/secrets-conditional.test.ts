// Conditional and fresh reads over HTTP: what a caller has already, and how new an answer has to be.
import { createHash } from 'node:crypto'
import { type Test, test } from 'tap'
import { awsDialect } from '../../kinds/aws/fake.ts'
import { useEnvironment } from '../../kinds/gcp/fake.ts'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { assertProblem, assertSafeHeaders } from '../../support/problem.ts'
import { openWire, type WireBehaviour } from '../../support/wire.ts'

const TEXT = '{"user":"app","password":"s3cret"}'
const START = Date.parse('2030-01-02T03:04:05Z')

const FOUND: WireBehaviour = { read: 'found', text: TEXT }

/** A store that behaves as told, and a clock that moves when told. */
const setUp = async (
  t: Test,
  behaviour: WireBehaviour = FOUND,
  env: Record<string, string> = {}
) => {
  useEnvironment(t, { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'key' })
  let answers = behaviour
  const wire = await openWire(t, awsDialect, {
    get read() {
      return answers.read
    },
    get text() {
      return (answers as { text?: string }).text ?? ''
    },
    message: 'no',
    status: 500,
    type: 'text/plain',
    body: ''
  } as WireBehaviour)
  const yaml = `
stores: [{ name: aws, kind: aws-secrets-manager, region: eu-west-1, endpoint: '${wire.url}' }]
policies: [{ client: app, read: ['aws:app/*'] }]
`
  let time = START
  const built = await buildTestApp(t, { yaml, env, now: () => time })
  const { ask } = await built.as('app')
  const get = (
    query: string,
    headers: Record<string, string> = {},
    method: 'GET' | 'HEAD' = 'GET'
  ) => ask(method, `/v1/secrets?ref=aws:app/${query}`, undefined, headers)
  const behave = (next: WireBehaviour): void => {
    answers = next
  }
  const later = (ms: number): void => {
    time += ms
  }
  return { ...built, ask, wire, get, behave, later }
}

test('who has the value already gets 304, without a body and on record like any read', async (t) => {
  const { get, folder, wire } = await setUp(t)
  const first = await get('db')
  const etag = String(first.headers['etag'])
  t.match(etag, /^"[A-Za-z0-9_-]{43}"$/)
  for (const condition of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    for (const method of ['GET', 'HEAD'] as const) {
      const answer = await get('db', { 'if-none-match': condition }, method)
      t.equal(answer.statusCode, 304, condition)
      t.equal(answer.body, '')
      t.equal(answer.headers['etag'], etag)
      t.equal(answer.headers['x-cache'], 'HIT')
      assertSafeHeaders(t, answer)
    }
  }
  t.equal((await get('db', { 'if-none-match': '"other"' })).statusCode, 200)
  t.equal(wire.reads.length, 1)
  const reads = (await recordsIn(folder)).filter(({ action }) => action === 'secret.read')
  t.equal(reads.length, 10)
  t.ok(reads.every(({ outcome }) => outcome === 'allowed'))
})

test('a condition opens nothing: whoever may not read is refused as ever', async (t) => {
  const { as, get } = await setUp(t)
  const etag = String((await get('db')).headers['etag'])
  const { read } = await as('other')
  const answer = await read('aws:app/db', { 'if-none-match': etag })
  assertProblem(t, answer, { code: 'access_denied' })
  t.notOk(answer.headers['etag'])
})

test('a tag is keyed, differs by secret and field, and changes with the value', async (t) => {
  const { get, behave, later } = await setUp(t)
  const tagOf = async (query: string) => String((await get(query)).headers['etag'])
  const tags = [await tagOf('db'), await tagOf('db&field=user'), await tagOf('db2')]
  t.equal(new Set(tags).size, 3)
  for (const plain of [TEXT, 'app', 's3cret']) {
    for (const algorithm of ['md5', 'sha1', 'sha256', 'sha512']) {
      for (const encoding of ['hex', 'base64', 'base64url'] as const) {
        const hash = createHash(algorithm).update(plain).digest(encoding)
        t.notOk(tags.some((tag) => tag.includes(hash)))
      }
    }
  }
  t.equal(await tagOf('db'), tags[0])
  behave({ read: 'found', text: TEXT.replace('s3cret', 'n3w') })
  later(600_000)
  t.not(await tagOf('db'), tags[0])
})

test('no-cache asks the store, max-age does if what is cached is older', async (t) => {
  const { get, wire, later } = await setUp(t)
  const ask = async (cacheControl?: string) => {
    const answer = await get(
      'db',
      cacheControl === undefined ? {} : { 'cache-control': cacheControl }
    )
    return [answer.headers['x-cache'], answer.headers['age'], wire.reads.length]
  }
  t.strictSame(await ask('max-age=0'), ['MISS', '0', 1], 'there was none')
  later(30_000)
  t.strictSame(await ask(), ['HIT', '30', 1])
  t.strictSame(await ask('max-age=30'), ['HIT', '30', 1])
  t.strictSame(await ask('max-age=29'), ['REVALIDATED', '0', 2])
  t.strictSame(await ask('private, max-agent=0, max-stale=5'), ['HIT', '0', 2], 'not for requests')
  t.strictSame(await ask('max-age=99999999999999999999'), ['HIT', '0', 2])
  later(1_000)
  t.strictSame(await ask('no-cache'), ['REVALIDATED', '0', 3])
  t.strictSame(await ask('no-store, NO-CACHE, max-age=999'), ['REVALIDATED', '0', 4])
  t.strictSame(await ask('max-age=999, max-age="0"'), ['REVALIDATED', '0', 5], 'the strictest')
  for (const senseless of ['max-age', 'max-age=-1', 'max-age=0.5', 'max-age=x', 'no-cache="x"']) {
    t.equal((await ask(senseless))[0], 'REVALIDATED', senseless)
  }
})

test('a batch and a listing are as new as they are asked to be, and each secret in them is charged for', async (t) => {
  const env = { RATE_LIMIT_ENABLED: 'true' }
  const { ask: send, behave } = await setUp(t, FOUND, env)
  const ask = async (cacheControl = '') => {
    const answer = await send(
      'GET',
      '/v1/secrets/batch?ref=aws:app/a%23user&ref=aws:app/b%23user',
      undefined,
      { 'cache-control': cacheControl }
    )
    const { results } = answer.json() as { results: { status: number; value?: string }[] }
    return results.map(({ status, value }) => value ?? status)
  }
  t.strictSame(await ask(), ['app', 'app'])
  behave({ read: 'found', text: TEXT.replace('app', 'newer') })
  t.strictSame(await ask(), ['app', 'app'])
  t.strictSame(await ask('max-age=60'), ['app', 'app'])
  for (let n = 0; n < 30; n++) t.strictSame(await ask('no-cache'), ['newer', 'newer'])
  t.strictSame(await ask('no-cache'), [429, 429])
  t.strictSame(await ask(), ['newer', 'newer'])
})

test('while the store fails a value past its time is STALE and says its age, up to the bound', async (t) => {
  const { get, behave, later, folder } = await setUp(t)
  const first = await get('db')
  behave({ read: 'status', status: 500, type: 'text/plain', body: '' })
  later(600_000)
  for (const [seconds, wait] of [
    [600, 1_000],
    [601, 3_598_000],
    [4_199, 1_000]
  ] as const) {
    const answer = await get('db')
    t.equal(answer.statusCode, 200)
    t.match(answer.headers, {
      'x-cache': 'STALE',
      age: String(seconds),
      etag: first.headers['etag']
    })
    later(wait)
  }
  assertProblem(t, await get('db'), { code: 'store_unavailable' })
  const records = await recordsIn(folder)
  t.equal(records.filter(({ cache }) => cache === 'STALE').length, 3, 'it is on record')
})

test('a refusal by the store ends what was cached, and is remembered', async (t) => {
  const { get, behave, later, wire } = await setUp(t)
  await get('db')
  behave({ read: 'denied', message: 'no' })
  assertProblem(t, await get('db', { 'cache-control': 'no-cache' }), { code: 'store_denied' })
  const asked = wire.reads.length
  for (let i = 0; i < 20; i++) assertProblem(t, await get('db'), { code: 'store_denied' })
  t.equal(wire.reads.length, asked)
  behave({ read: 'status', status: 500, type: 'text/plain', body: '' })
  later(15_000)
  assertProblem(t, await get('db'), { code: 'store_unavailable' })
})
