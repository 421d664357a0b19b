/** The keys of instances in a process that serves: it is never busy with them for long. */
import { test } from 'tap'
import { createKeys } from '../../../src/audit/instance-keys.ts'
import { createKeyring } from '../../../src/crypto/keyring.ts'
import { AUDIT_ENCRYPTION_KEY } from '../../support/audit-key.ts'

const ring = createKeyring([AUDIT_ENCRYPTION_KEY])
const [kid = ''] = ring.kids

const keysOf = (head: { kid: string; day: string; step: number }) =>
  createKeys(
    { byInstance: new Map([['i', head]]), inFile: new Map(), after: [], otherFormat: new Set() },
    { findKey: ring.find, auditor: undefined },
    { isServing: true }
  )

test('a key that is many steps away is reached in turns with others, and found only then', async (t) => {
  const head = { kid, day: '2026-03-01', step: 40_000 }
  const { keyOf, reach } = await keysOf(head)
  t.strictSame(keyOf('i', head), { key: undefined, fault: undefined })
  let turns = 0
  let isReached = false
  const count = (): void => {
    turns++
    if (!isReached) setImmediate(count)
  }
  setImmediate(count)
  await reach('i', head)
  isReached = true
  t.ok(turns >= 8, `others had ${turns} turns`)
  t.match(keyOf('i', head), { key: { step: 40_000 } })
})

test('no number of steps that somebody wrote keeps the process', async (t) => {
  for (const step of [Number.MAX_SAFE_INTEGER, 50_000_001, -1]) {
    const head = { kid, day: '2026-03-01', step }
    const { keyOf, reach } = await keysOf(head)
    await reach('i', head)
    t.strictSame(keyOf('i', head), { key: undefined, fault: undefined }, `${step}`)
  }
})
