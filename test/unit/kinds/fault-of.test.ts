/** What HTTP and TCP failures mean, whatever the store. */
import { test } from 'tap'
import { ProviderFault } from '../../../src/core/fault.ts'
import {
  isWorthRetrying,
  reasonOfCode,
  reasonOfStatus,
  retryAfterSeconds,
  retryOnce
} from '../../../src/kinds/shared/fault-of.ts'

const NOW = Date.parse('2026-01-01T00:00:00Z')

test('a status alone has a reason, and a bare 404 is not a word about the secret', async (t) => {
  const expected = {
    200: 'invalid_answer',
    204: 'invalid_answer',
    301: 'unavailable',
    400: 'unavailable',
    401: 'denied',
    403: 'denied',
    404: 'unavailable',
    429: 'throttled',
    500: 'unavailable',
    503: 'unavailable'
  }
  for (const [status, reason] of Object.entries(expected)) {
    t.equal(reasonOfStatus(Number(status)), reason, status)
  }
})

test('a certificate that does not stand needs a person, a lost connection does not', async (t) => {
  for (const code of [
    'SELF_SIGNED_CERT_IN_CHAIN',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'CERT_HAS_EXPIRED',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'ERR_SSL_WRONG_VERSION_NUMBER'
  ]) {
    t.equal(reasonOfCode(code), 'misconfigured', code)
  }
  for (const code of ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN', 'NEW']) {
    t.equal(reasonOfCode(code), 'unavailable', code)
  }
  for (const code of ['ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT', 'ESOCKETTIMEDOUT']) {
    t.equal(reasonOfCode(code), 'timeout', code)
  }
})

test('Retry-After is read as seconds or as a date, rounded up and bounded', async (t) => {
  const expected: readonly (readonly [string | undefined, number | undefined])[] = [
    [undefined, undefined],
    ['0', 0],
    ['7', 7],
    [' 7 ', 7],
    ['86400', 3_600],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['Fri, 02 Jan 2026 00:00:00 GMT', 3_600],
    ['soon', undefined],
    ['-5', undefined],
    ['1e3', undefined],
    ['', undefined]
  ]
  for (const [header, seconds] of expected) {
    t.equal(retryAfterSeconds(header, NOW), seconds, String(header))
  }
})

test('one more attempt is made where there is a cure, and only one', async (t) => {
  const { signal } = new AbortController()
  const fault = new ProviderFault('unavailable')
  let attempts = 0
  const failing = async () => {
    attempts += 1
    throw fault
  }
  await t.rejects(
    retryOnce({ signal }, failing, async () => true),
    fault
  )
  t.equal(attempts, 2)
  await t.rejects(
    retryOnce({ signal }, failing, async () => false),
    fault
  )
  t.equal(attempts, 3)
})

test('no attempt is made once the signal has aborted', async (t) => {
  const abort = new AbortController()
  let attempts = 0
  const failing = async () => {
    attempts += 1
    abort.abort()
    throw new ProviderFault('unavailable')
  }
  await t.rejects(
    retryOnce({ signal: abort.signal }, failing, async () => true),
    {
      name: 'ProviderFault'
    }
  )
  t.equal(attempts, 1)
})

test('one more attempt is worth it after a lost answer, not after a timeout or a wait that was asked for', async (t) => {
  t.ok(isWorthRetrying(new ProviderFault('unavailable', { status: 503 })))
  t.notOk(isWorthRetrying(new ProviderFault('unavailable', { retryAfterSeconds: 0 })))
  for (const reason of ['timeout', 'throttled', 'denied'] as const) {
    t.notOk(isWorthRetrying(new ProviderFault(reason)), reason)
  }
})
