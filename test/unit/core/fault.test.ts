import { test } from 'tap'
import { isTransient, ProviderFault } from '../../../src/core/fault.ts'

test('a store that is silent or throttles may answer soon, any other fault is an answer', async (t) => {
  const expected = {
    unavailable: true,
    timeout: true,
    throttled: true,
    not_found: false,
    denied: false,
    misconfigured: false,
    invalid_answer: false,
    conflict: false,
    invalid_request: false
  } satisfies Record<ProviderFault['reason'], boolean>
  for (const [reason, isSo] of Object.entries(expected)) {
    const fault = new ProviderFault(reason as ProviderFault['reason'], { status: 404 })
    t.equal(isTransient(fault), isSo, reason)
  }
})

test('of a peer no more is kept than its class, its status, its time and a code that is a plain word', async (t) => {
  const bare = new ProviderFault('denied')
  const { code, status, retryAfterSeconds, isRefusal } = bare
  t.same([code, status, retryAfterSeconds, isRefusal], Array(4).fill(undefined))
  t.equal(String(bare), "ProviderFault: the store's answer: denied")
  const details = {
    code: 'Access.Denied_2',
    status: 403,
    retryAfterSeconds: 0,
    isRefusal: true
  } as const
  t.match(new ProviderFault('denied', details), details)
  for (const code of ['A', 'a'.repeat(64)])
    t.equal(new ProviderFault('denied', { code }).code, code)
  for (const code of ['', '7a', '_a', 'a b', 'a-b', 'a\n', 'a: hunter2', ' a', 'a'.repeat(65)]) {
    t.equal(new ProviderFault('denied', { code }).code, undefined, code)
  }
})
