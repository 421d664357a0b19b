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
