// What the soak calls a violation: each of its invariants can be broken, by an answer that is made to break it.
import { test } from 'tap'
import { createCatalog, versionNames } from '../../../scripts/soak/catalog.ts'
import { readDescription } from '../../../scripts/soak/described.ts'
import { type Asked, createJudge } from '../../../scripts/soak/judge.ts'
import { createLedger } from '../../../scripts/soak/ledger.ts'
import type { Question } from '../../../scripts/soak/operations.ts'
import { createKeys, type IssuedKey, isOwed } from '../../../scripts/soak/revocations.ts'
import type { World } from '../../../scripts/soak/world.ts'
import type { Answer } from '../../support/replicas.ts'

const REF = 'vault:kv/team-a/s0'
const describes = readDescription('openapi.yaml')

const answerOf = (status: number, body: object, type = 'application/json'): Answer => ({
  status,
  headers: { 'content-type': type },
  text: JSON.stringify(body),
  body: body as Answer['body'],
  ms: 1
})

const problem = (status: number, code: string): Answer =>
  answerOf(
    status,
    { type: `urn:purser:problem:${code}`, title: 'x', status, code, retryable: false },
    'application/problem+json'
  )

const found = (ref: string, version: number, more: object = {}): Answer => {
  const [store = '', path = ''] = ref.split(':')
  const value = `seen!${store}!${path}!${version}!password!`
  const name = versionNames[store as keyof typeof versionNames](version)
  return answerOf(200, { ref: REF, value, version: name, store, ...more })
}

const QUESTION: Question = {
  name: 'by reference',
  operationId: 'readSecret',
  method: 'GET',
  path: '/',
  headers: {},
  asked: [REF],
  field: 'password',
  expects: 'value'
}

/** Which invariants an answer breaks. */
const brokenBy = (answer: Answer, question: Partial<Question> = {}, use: Partial<Asked> = {}) => {
  const broken: string[] = []
  const ledger = createLedger((line) => broken.push(/^VIOLATION (\w+)/.exec(line)?.[1] ?? ''))
  const world = { ledger, catalog: createCatalog(), keys: createKeys() } as unknown as World
  const trail = { owes: () => {}, dropped: () => {} }
  const replica = { index: 1, trail } as unknown as Asked['replica']
  const asked = { replica, requestId: 'x', sentAt: 0, life: 1, hasRedisSince: 0, ...use }
  createJudge(
    world,
    describes,
    () => 1
  )({ ...asked, question: { ...QUESTION, ...question } }, answer)
  return broken
}

test('what was asked for is no violation, and neither is a failure of a store or a caller that was late', async (t) => {
  t.strictSame(brokenBy(found(REF, 1)), [])
  t.strictSame(brokenBy(problem(503, 'store_unavailable')), [])
  t.strictSame(brokenBy(problem(408, 'request_timeout')), [])
  t.strictSame(brokenBy(problem(403, 'access_denied'), { asked: [], expects: 'forbidden' }), [])
})

test('a value of another secret, version or field is one', async (t) => {
  t.strictSame(brokenBy(found('vault:kv/team-a/s1', 1)), ['forbidden', 'value'])
  t.strictSame(brokenBy(found(REF, 2)), ['value'], 'that never was')
  t.strictSame(brokenBy(found(REF, 1, { version: '9' })), ['value'], 'under another version')
  t.strictSame(brokenBy(found(REF, 1), { field: 'user' }), ['value'])
  t.strictSame(brokenBy(answerOf(200, { ref: REF, value: '' })), ['value'], 'or none')
})

test('so is an answer to who is not allowed, a refusal of who is, and a value in an error', async (t) => {
  t.ok(brokenBy(found(REF, 1), { asked: [], expects: 'forbidden' }).includes('forbidden'))
  t.strictSame(brokenBy(answerOf(200, {}), { asked: [], expects: 'refused' }), ['forbidden'])
  t.strictSame(brokenBy(problem(401, 'invalid_api_key')), ['value'])
  t.strictSame(brokenBy(problem(404, 'secret_not_found')), ['value'])
  const { body } = problem(503, 'store_unavailable')
  const leaking = { ...body, detail: 'seen!aws!team-b/s0!1!user!' }
  t.strictSame(brokenBy(answerOf(503, leaking, 'application/problem+json')), ['forbidden'])
})

test('so is a status, a type, a form or a code that is not described', async (t) => {
  t.strictSame(brokenBy({ ...found(REF, 1), status: 206 }), ['described', 'value'])
  t.ok(brokenBy(answerOf(200, {}, 'text/html'), { asked: [] }).includes('described'))
  t.ok(brokenBy(answerOf(200, { value: 7 }), { asked: [] }).includes('described'))
  t.ok(brokenBy(problem(500, 'store_unavailable')).includes('described'))
})

const REVOKED: IssuedKey = {
  keyId: 'k',
  apiKey: 'x',
  client: 'team-a',
  revoked: { at: 1_000, isDurable: true, replica: 0, life: 1 }
}

test('so is a revoked key that is taken after its time', async (t) => {
  const question = { expects: 'issued key', key: REVOKED } as const
  t.strictSame(brokenBy(found(REF, 1), question, { sentAt: 6_000 }), ['revoked'])
  t.strictSame(brokenBy(found(REF, 1), question, { sentAt: 5_999 }), [])
  t.strictSame(brokenBy(problem(401, 'invalid_api_key'), question, { sentAt: 6_000 }), [])
})

test('of a revoked key nothing is owed that was not promised', async (t) => {
  const use = { replica: 1, life: 1, hasRedisSince: 0, sentAt: 9_000 }
  t.equal(isOwed(REVOKED, use, 1), true)
  t.equal(isOwed(REVOKED, { ...use, hasRedisSince: 5_000 }, 1), false, 'Redis is back too lately')
  t.equal(isOwed(REVOKED, { ...use, hasRedisSince: undefined }, 1), false, 'or away')
  t.equal(isOwed(REVOKED, use, 2), false, 'on a machine that is half as fast')
  t.equal(isOwed({ ...REVOKED, isLost: true }, use, 1), false, 'lost by a failover')
  const pending = { ...REVOKED, revoked: { at: 1_000, isDurable: false, replica: 0, life: 1 } }
  t.equal(isOwed(pending, use, 1), false, 'pending')
  const there = { replica: 0, life: 1, hasRedisSince: undefined, sentAt: 1_000 }
  t.equal(isOwed(pending, there, 1), true, 'where it was revoked it holds at once')
  t.equal(isOwed(pending, { ...there, life: 2 }, 1), false, 'but in that process alone')
})
