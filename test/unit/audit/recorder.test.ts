// The one builder of audit events: what is denied and what has failed, and who else is told of it.
import { test } from 'tap'
import { createRecorder, type Observed } from '../../../src/audit/recorder.ts'
import type { AuditEvent } from '../../../src/core/audit-event.ts'
import { ProviderFault } from '../../../src/core/fault.ts'
import { ProblemError } from '../../../src/core/problem.ts'
import { reasonText } from '../../../src/core/reason.ts'

const CALLER = {
  client: 'app',
  mode: 'r',
  keyId: 'id',
  kid: 'kid',
  route: 'GET /v1/secrets',
  requestId: 'r',
  address: '127.0.0.1'
} as const
const SECRET = { store: 'kv', path: 'team/db' }

const setUp = () => {
  const events: AuditEvent[] = []
  const seen: Observed[] = []
  const logged: unknown[] = []
  const recorder = createRecorder({
    environment: 'dev',
    record: async (event) => void events.push(event),
    log: (level, _message, fields) => void logged.push([level, fields]),
    observe: (observed) => void seen.push(observed)
  })
  return { recorder, events, seen, logged }
}

test('what we decided against is denied; all else that does not come about has failed', async (t) => {
  const { recorder, events } = setUp()
  const denied = [
    new ProblemError('access_denied', {}, 'no_rule'),
    new ProblemError('insufficient_mode'),
    new ProblemError('insufficient_scope', {}, reasonText('aura-services:nlp')),
    new ProblemError('authentication_required'),
    new ProblemError('invalid_api_key', {}, 'revoked'),
    new ProblemError('conflicting_credentials'),
    new ProblemError('version_too_old'),
    new ProblemError('session_required'),
    new ProblemError('session_expired'),
    new ProblemError('csrf_failed'),
    new ProblemError('insufficient_scope'),
    new ProblemError('invalid_api_key'),
    new ProblemError('access_denied'),
    new ProblemError('invalid_request', {}, 'other_client'),
    new ProblemError('rate_limited', {}, reasonText('key: 3 refused'))
  ]
  const failed = [
    new ProblemError('invalid_request'),
    new ProblemError('conflict'),
    new ProblemError('rate_limited'),
    new ProblemError('store_misconfigured', {}, 'unknown_store'),
    // Nobody decides by a mistake of ours, whatever is known of it.
    new ProblemError('internal_error', {}, 'unknown_store'),
    new ProviderFault('denied'),
    new ProviderFault('not_found'),
    new Error('unforeseen')
  ]
  for (const error of [...denied, ...failed]) {
    await recorder.failed(CALLER, 'secret.read', SECRET, error)
  }
  const outcomes = (count: number, word: string) => Array.from({ length: count }, () => word)
  t.same(
    events.map(({ outcome }) => outcome),
    [...outcomes(denied.length, 'denied'), ...outcomes(failed.length, 'failed')]
  )
})

test('whoever measures sees each outcome with its place and duration, and nobody by name', async (t) => {
  const { recorder, seen } = setUp()
  const since = performance.now()
  await recorder.allowed({ ...CALLER, since }, 'secret.read', SECRET, {
    version: '1',
    cache: 'HIT',
    reason: 'bot sample-bot'
  })
  await recorder.failed(CALLER, 'secret.read', SECRET, new ProviderFault('timeout'))
  const { durationMs, ...first } = seen[0] ?? {}
  const place = { action: 'secret.read', route: 'GET /v1/secrets', store: 'kv' }
  t.same(first, { ...place, outcome: 'allowed', code: undefined, cache: 'HIT' })
  t.ok(Number(durationMs) >= 0 && Number(durationMs) <= performance.now() - since)
  const failed = { ...place, outcome: 'failed', code: 'store_timeout', cache: undefined }
  t.same(seen[1], { ...failed, durationMs: undefined })
})

test('who measures is told of what could not be recorded as of a failure, and not before', async (t) => {
  const seen: Observed[] = []
  const ends: { resolve: () => void; reject: (error: Error) => void }[] = []
  const group = () =>
    new Promise<void>((resolve, reject) => {
      ends.push({ resolve, reject })
    })
  let recorded = group()
  const recorder = createRecorder({
    environment: 'dev',
    record: () => recorded,
    log: () => {},
    observe: (observed) => void seen.push(observed)
  })
  const read = () => recorder.allowed(CALLER, 'secret.read', SECRET, { cache: 'HIT' })
  const first = [read(), read()]
  recorded = group()
  const next = read()
  t.strictSame(seen, [], 'nothing is answered yet')
  ends[0]?.resolve()
  await Promise.all(first)
  t.match(seen, [{ outcome: 'allowed', cache: 'HIT' }, { outcome: 'allowed' }])
  ends[1]?.reject(new ProblemError('audit_unavailable'))
  await t.rejects(next, { code: 'audit_unavailable' })
  t.equal(seen.length, 3)
  t.match(seen[2], { outcome: 'failed', code: 'audit_unavailable', cache: undefined })
  recorded = Promise.resolve()
  await read()
  await read()
  t.equal(seen.length, 5, 'also where records share a promise that is over')
})

test('a record names its reference, and whom a provider of sign-ins knows, by what is nearest', async (t) => {
  const { recorder, events, seen } = setUp()
  const account = { issuer: 'https://accounts.example', subject: 'ada' }
  const token = { issuer: 'https://tokens.example', subject: 'job', tokenId: 'jti' }
  await recorder.allowed(CALLER, 'secret.read', SECRET)
  await recorder.allowed({ ...CALLER, account }, 'secret.list', undefined)
  await recorder.allowed({ ...CALLER, account }, 'key.login', undefined, token)
  await recorder.allowed(CALLER, 'key.login', undefined, token)
  t.strictSame(
    events.map(({ reference, issuer, subject, tokenId }) => [reference, issuer, subject, tokenId]),
    [
      ['kv:team/db', undefined, undefined, undefined],
      [undefined, account.issuer, account.subject, undefined],
      [undefined, token.issuer, token.subject, token.tokenId],
      [undefined, token.issuer, token.subject, token.tokenId]
    ]
  )
  t.strictSame(
    seen.map(({ store }) => store),
    ['kv', undefined, undefined, undefined]
  )
})

test('what nobody foresaw is logged, by its kind and request alone; a problem or a fault of a store is not', async (t) => {
  const { recorder, logged } = setUp()
  for (const error of [new ProblemError('conflict'), new ProviderFault('timeout')]) {
    await recorder.failed(CALLER, 'secret.read', SECRET, error)
  }
  t.strictSame(logged, [])
  await recorder.failed(CALLER, 'secret.read', SECRET, new RangeError('a secret'))
  await recorder.failed(CALLER, 'secret.read', SECRET, 'a secret')
  t.strictSame(logged, [
    ['error', { requestId: 'r', name: 'RangeError' }],
    ['error', { requestId: 'r' }]
  ])
})

test('the reason of a problem goes before what was known without it, and both leave the object', async (t) => {
  const { recorder, events } = setUp()
  const facts = { reason: 'intent', object: 'bot x' }
  const problem = new ProblemError('access_denied', {}, 'no_rule')
  t.equal(await recorder.failed(CALLER, 'object.write', undefined, problem, facts), problem)
  await recorder.failed(CALLER, 'object.write', undefined, new ProviderFault('timeout'), facts)
  t.match(events, [
    { code: 'access_denied', reason: 'no_rule', object: 'bot x' },
    { code: 'store_timeout', reason: 'intent', object: 'bot x' }
  ])
})

test('where nobody measures, events are recorded all the same', async (t) => {
  const events: AuditEvent[] = []
  const recorder = createRecorder({
    environment: 'dev',
    record: async (event) => void events.push(event),
    log: () => {}
  })
  await recorder.allowed(CALLER, 'secret.read', SECRET)
  t.match(events, [{ action: 'secret.read', outcome: 'allowed', environment: 'dev' }])
})

test('of a group that is on record all is told before anybody goes on, also while the next one is collected', async (t) => {
  const seen: Observed[] = []
  let recorded = Promise.resolve()
  const recorder = createRecorder({
    environment: 'dev',
    record: () => recorded,
    log: () => {},
    observe: (observed) => void seen.push(observed)
  })
  const read = () => recorder.allowed(CALLER, 'secret.read', SECRET)
  const group = () => {
    let resolve = (): void => {}
    recorded = new Promise<void>((onResolve) => {
      resolve = onResolve
    })
    return resolve
  }
  /** How much was told when whoever asked first goes on. */
  const toldAfter = (asked: Promise<void>) => asked.then(() => seen.length)
  const endFirst = group()
  const first = toldAfter(read())
  void read()
  const endSecond = group()
  const second = toldAfter(read())
  endFirst()
  t.equal(await first, 2)
  void read()
  endSecond()
  t.equal(await second, 4)
})
