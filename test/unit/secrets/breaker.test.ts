import { test } from 'tap'
import { ProviderFault } from '../../../src/core/fault.ts'
import { createBreaker } from '../../../src/secrets/breaker.ts'

const { signal } = new AbortController()
const fault = (reason: ProviderFault['reason'], details = {}) => new ProviderFault(reason, details)

const open = (random = () => 1) => {
  const clock = { now: 1_000_000 }
  const changes: string[] = []
  const changed = ({ state }: { state: string }) => void changes.push(state)
  const breaker = createBreaker({ now: () => clock.now, random, changed })
  const fails = (reason: ProviderFault['reason'], details = {}) =>
    breaker.enter()(fault(reason, details), new AbortController().signal)
  const works = () => breaker.enter()(undefined, signal)
  return { clock, changes, breaker, fails, works }
}

test('five faults in a row that may pass open it, and an answer in between begins anew', (t) => {
  const { breaker, fails, works, changes } = open()
  for (let i = 0; i < 4; i++) fails('unavailable')
  works()
  for (const reason of ['timeout', 'unavailable', 'timeout', 'unavailable'] as const) fails(reason)
  t.equal(breaker.state().state, 'closed')
  fails('timeout')
  t.same(breaker.state(), { state: 'open', reason: 'timeout', until: 1_001_000 })
  t.match(breaker.refusal(), { reason: 'timeout', code: 'left_alone', retryAfterSeconds: 1 })
  t.same(changes, ['open'])
  t.end()
})

test('what is an answer never opens it, however often it comes', (t) => {
  const { breaker, fails } = open()
  const answers = [
    'not_found',
    'denied',
    'invalid_answer',
    'conflict',
    'invalid_request',
    'misconfigured'
  ] as const
  for (const reason of answers) for (let i = 0; i < 20; i++) fails(reason)
  t.equal(breaker.refusal(), undefined)
  for (let i = 0; i < 20; i++) fails('unavailable', { status: 400 })
  t.equal(breaker.refusal(), undefined, 'a 4xx is about the request, which a caller can choose')
  for (let i = 0; i < 5; i++) fails('unavailable', { status: 503 })
  t.equal(breaker.state().state, 'open')
  t.end()
})

test('one throttled call opens it for as long as the peer asked, up to five minutes', (t) => {
  for (const [asked, seconds] of [
    [7, 7],
    [undefined, 1],
    [0, 1],
    [100_000, 300]
  ] as const) {
    const { breaker, fails, clock } = open()
    fails('throttled', { retryAfterSeconds: asked })
    t.match(breaker.refusal(), { reason: 'throttled', retryAfterSeconds: seconds })
    clock.now += seconds * 1000 - 500
    t.match(breaker.refusal(), { retryAfterSeconds: 1 }, 'what remains, rounded up')
    clock.now += 500
    t.equal(breaker.refusal(), undefined)
  }
  t.end()
})

test('after the wait one probe at a time is let through, each failure doubles the wait up to 30 s', (t) => {
  const { breaker, fails, clock, changes } = open()
  for (let i = 0; i < 5; i++) fails('unavailable')
  for (const wait of [1, 2, 4, 8, 16, 30, 30]) {
    t.match(breaker.refusal(), { retryAfterSeconds: wait })
    clock.now += wait * 1000 - 1
    t.ok(breaker.refusal())
    clock.now += 1
    t.equal(breaker.state().state, 'half-open')
    t.equal(breaker.refusal(), undefined)
    const settle = breaker.enter()
    t.match(breaker.refusal(), { reason: 'unavailable', retryAfterSeconds: 1 }, 'one is under way')
    settle(fault('unavailable'), signal)
  }
  clock.now += 30_000
  breaker.enter()(fault('not_found'), signal)
  t.same(breaker.state(), { state: 'closed' }, 'any answer closes it')
  t.same(changes, ['open', 'closed'], 'probes that fail are no news')
  for (let i = 0; i < 5; i++) fails('unavailable')
  t.match(breaker.refusal(), { retryAfterSeconds: 1 }, 'and the wait is the first one again')
  t.end()
})

test('the jitter takes up to half of a wait, and nothing of what the peer asked for', (t) => {
  const { breaker, fails } = open(() => 0)
  for (let i = 0; i < 5; i++) fails('unavailable')
  t.equal(breaker.state().until, 1_000_500)
  const other = open(() => 0)
  other.fails('throttled', { retryAfterSeconds: 7 })
  t.equal(other.breaker.state().until, 1_007_000)
  t.end()
})

test('calls that began before it opened or closed change nothing when they end', (t) => {
  const { breaker, fails, clock } = open()
  const [before, alsoBefore] = [breaker.enter(), breaker.enter()]
  fails('throttled', { retryAfterSeconds: 10 })
  before(undefined, signal)
  t.equal(breaker.state().state, 'open', 'an answer from before does not undo what the peer asked')
  clock.now += 10_000
  const probe = breaker.enter()
  alsoBefore(fault('throttled', { retryAfterSeconds: 100 }), signal)
  t.equal(breaker.state().state, 'half-open')
  probe(undefined, signal)
  t.equal(breaker.state().state, 'closed')
  t.end()
})

test('calls that run into one deadline together count as one', (t) => {
  const { breaker } = open()
  for (let batch = 0; batch < 4; batch++) {
    const { signal } = new AbortController()
    const calls = Array.from({ length: 16 }, () => breaker.enter())
    for (const settle of calls) settle(fault('timeout'), signal)
  }
  t.equal(breaker.state().state, 'closed')
  breaker.enter()(fault('timeout'), signal)
  t.equal(breaker.state().state, 'open')
  t.end()
})

test('a peer that was heard of is tried at once, unless it asked to be left alone', (t) => {
  const { breaker, fails } = open()
  for (let i = 0; i < 5; i++) fails('timeout')
  breaker.hasten()
  t.equal(breaker.state().state, 'half-open')
  fails('timeout')
  t.match(breaker.refusal(), { retryAfterSeconds: 2 }, 'and the wait goes on from where it was')
  const throttled = open()
  throttled.fails('throttled', { retryAfterSeconds: 7 })
  throttled.breaker.hasten()
  t.equal(throttled.breaker.state().state, 'open')
  t.end()
})

test('a clock that is set back leaves nobody alone for longer', (t) => {
  const { breaker, fails, clock } = open()
  fails('throttled', { retryAfterSeconds: 7 })
  clock.now -= 3_600_000
  t.equal(breaker.refusal(), undefined)
  t.end()
})
