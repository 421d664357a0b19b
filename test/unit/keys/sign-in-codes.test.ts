// Codes of the quickstart: one at a time, for one use within a minute, and for a few tries.
import { test } from 'tap'
import { createSignInCodes } from '../../../src/keys/sign-in-codes.ts'

const USER = { client: 'operator', mode: 'rw', scopes: ['aura-admin'] } as const
const START = Date.parse('2026-12-01T12:00:00Z')
const SECOND = 1000

const setUp = () => {
  const clock = { now: START }
  return { clock, codes: createSignInCodes(USER, () => clock.now) }
}

test('a code has 256 bits, counts once, and no other counts', async (t) => {
  const { codes } = setUp()
  t.equal(codes.take('A'.repeat(43)), 'other_code', 'before there is any')
  const code = codes.issue()
  t.match(code, /^[\w-]{43}$/)
  t.equal(codes.take(`${code.slice(0, -2)}AA`), 'other_code')
  t.equal(codes.take(''), 'other_code')
  t.equal(codes.take(code), undefined)
  t.equal(codes.take(code), 'used')
})

test('a code counts for 60 seconds, by whatever way the clock goes', async (t) => {
  for (const [after, reason] of [
    [59.999 * SECOND, undefined],
    [60 * SECOND, 'expired'],
    [-60 * SECOND, 'expired']
  ] as const) {
    const { clock, codes } = setUp()
    const code = codes.issue()
    clock.now = START + after
    t.equal(codes.take(code), reason, `${after}`)
  }
})

test('a new code ends the one before', async (t) => {
  const { codes } = setUp()
  const first = codes.issue()
  const second = codes.issue()
  t.not(first, second)
  t.equal(codes.take(first), 'other_code')
  t.equal(codes.take(second), undefined)
})

test('five wrong ones end a code, and the next one is not concerned', async (t) => {
  const { codes } = setUp()
  const code = codes.issue()
  for (let n = 0; n < 5; n++) t.equal(codes.take(`wrong ${n}`), 'other_code')
  t.equal(codes.take(code), 'other_code')
  t.equal(codes.take(codes.issue()), undefined)
})
