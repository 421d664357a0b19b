/** How much of its newest records a stream keeps: neither more than a size nor older than a time, a part at a time. */
import { test } from 'tap'
import { createBounds } from '../../../src/audit/redis-bounds.ts'

const HOUR_MS = 3_600_000
const MIB = 1024 * 1024
const ENTRY_BYTES = 64

test('the first entry is kept, and nothing is to be dropped while it is of its part', (t) => {
  const take = createBounds(64 * MIB, 24 * HOUR_MS)
  t.equal(take(1, 100, 0), 1)
  for (let i = 2; i < 100; i++) t.equal(take(i, 100, 0), undefined)
  t.equal(take(100, 100, HOUR_MS), undefined, 'an hour is one part')
  t.equal(take(101, 100, HOUR_MS + 1), 1, 'another one begins, and all is kept still')
  t.equal(take(102, 100, HOUR_MS + 2), undefined)
  t.end()
})

test('a part is full at a sixty-fourth of all, with what an entry takes besides its bytes', (t) => {
  const take = createBounds(64_000, 24 * HOUR_MS)
  const size = 500 - ENTRY_BYTES
  t.strictSame(
    [1, 2, 3, 4, 5, 6].map((number) => take(number, size, 0)),
    [1, undefined, undefined, 1, undefined, undefined],
    'it is full once it has more'
  )
  t.end()
})

test('what is too much goes a part at a time, the oldest first, and never the newest', (t) => {
  const take = createBounds(64_000, 24 * HOUR_MS)
  const size = 1_001 - ENTRY_BYTES
  const from = Array.from({ length: 100 }, (_, i) => take(i + 1, size, 0))
  t.strictSame(from.slice(0, 63), Array(63).fill(1), 'each is a part, and 63 of them fit')
  t.strictSame(
    from.slice(63),
    Array.from({ length: 37 }, (_, i) => i + 2),
    'from then on each drops one'
  )
  t.equal(take(101, 1_000_000, 0), 101, 'one that is greater than all is kept alone')
  t.equal(take(102, size, 0), 102)
  t.end()
})

test('what fits exactly is kept', (t) => {
  const take = createBounds(64_000, 24 * HOUR_MS)
  const size = 32_000 - ENTRY_BYTES
  t.strictSame([take(1, size, 0), take(2, size, 0), take(3, 1, 0)], [1, 1, 2])
  t.end()
})

test('a part goes when its last entry is older than the time', (t) => {
  const take = createBounds(64 * MIB, 24 * HOUR_MS)
  take(1, 100, 0)
  take(2, 100, HOUR_MS)
  t.equal(take(3, 100, 24 * HOUR_MS), 1)
  t.equal(take(4, 100, 25 * HOUR_MS - 1), undefined)
  t.equal(take(5, 100, 25 * HOUR_MS + 1), 3, 'both of the first part')
  t.equal(take(6, 100, 100 * HOUR_MS), 6)
  t.end()
})
