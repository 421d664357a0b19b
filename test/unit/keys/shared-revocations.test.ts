/** What replicas believe of each other's messages, and what they look up: without a Redis, by what they share in memory. */
import { randomUUID } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { fingerprint } from '../../../src/crypto/fingerprint.ts'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { issuedBy, listRevoked } from '../../../src/keys/revocations.ts'
import {
  announceRevocation,
  createSharedRevocations,
  type SharedRevocationsOptions
} from '../../../src/keys/shared-revocations.ts'
import { openState } from '../../support/embedded.ts'
import { randomKeyring } from '../../support/keys.ts'
import { eventually } from '../../support/redis.ts'
import { createMemoryShared } from '../../support/shared.ts'

const NOW = Date.parse('2026-11-21T12:00:00Z')
const TOPIC = 'revoked'
const settled = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await turn()
}

const setUp = (t: Test) => {
  const memory = createMemoryShared()
  const state = openState(t)
  const { keyring } = randomKeyring()
  const fault = { writes: false, lists: false }
  const reads = { lists: 0 }
  const open = async (ring = keyring, more: Partial<SharedRevocationsOptions> = {}) => {
    const shared = memory.connect()
    const said: string[] = []
    const revocations = createSharedRevocations({
      state: {
        ...state,
        compareAndSet: async (...asked) => {
          if (fault.writes) throw new Error('away')
          return state.compareAndSet(...asked)
        },
        list: (...asked) => {
          reads.lists++
          if (fault.lists) throw new Error('away')
          return state.list(...asked)
        }
      },
      shared,
      keyring: () => ring,
      log: (level, message) => void said.push(`${level} ${message}`),
      ...more
    })
    t.teardown(() => revocations.close())
    await revocations.asked
    return { revocations, shared, said }
  }
  return { memory, state, keyring, fault, reads, open }
}

test('a revocation is in force here at once, at others by its message, and is durable', async (t) => {
  const { open, state } = setUp(t)
  const [one, other] = [await open(), await open()]
  const keyId = randomUUID()
  t.equal(one.revocations.isWhole(), true)
  t.strictSame(await one.revocations.revoke(keyId, NOW), { isNew: true, isDurable: true })
  t.equal(one.revocations.isRevoked(keyId), true)
  await settled()
  t.equal(other.revocations.isRevoked(keyId), true)
  t.equal(other.revocations.isRevoked(randomUUID()), false)
  t.strictSame(await listRevoked(state), [keyId])
  t.match(await other.revocations.revoke(keyId, NOW), { isNew: false, isDurable: true })
  t.equal((await open()).revocations.isRevoked(keyId), true, 'one that comes later reads the list')
})

test('a message is believed by its proof, whichever key of the ring made it', async (t) => {
  const { open } = setUp(t)
  const [former, active] = [newEncryptionKey(), newEncryptionKey()]
  const { revocations, shared } = await open(createKeyring([former, active]))
  const tell = async (keyId: string, proof: string): Promise<boolean> => {
    await shared.publish(TOPIC, `${keyId} ${proof}`)
    await settled()
    return revocations.isRevoked(keyId)
  }
  const proofOf = (key: string, keyId: string): string =>
    fingerprint(createKeyring([key]).active, ['revocation', keyId])
  for (const key of [former, active]) {
    const keyId = randomUUID()
    t.equal(await tell(keyId, proofOf(key, keyId)), true)
    t.equal(await tell(issuedBy(keyId), proofOf(key, issuedBy(keyId))), true)
  }
  const keyId = randomUUID()
  t.equal(await tell(keyId, proofOf(newEncryptionKey(), keyId)), false, 'a foreign key')
  t.equal(await tell(keyId, proofOf(active, randomUUID())), false, 'of another revocation')
  t.equal(await tell(keyId, ''), false)
  t.equal(await tell('no-id', proofOf(active, 'no-id')), false)
})

test('a message without a proof is a hint: what it names is looked up', async (t) => {
  const { open, state } = setUp(t)
  const { revocations, shared } = await open()
  const keyId = randomUUID()
  await shared.publish(TOPIC, keyId)
  await settled()
  t.equal(revocations.isRevoked(keyId), false)
  await state.compareAndSet(`revoked/${keyId}`, undefined, Buffer.from('{}'))
  await announceRevocation(shared, keyId)
  await settled()
  t.equal(revocations.isRevoked(keyId), true)
})

test('what cannot be written is in force here, told to others, and not whole', async (t) => {
  const { open, fault } = setUp(t)
  const [one, other] = [await open(), await open()]
  fault.writes = true
  const keyId = randomUUID()
  t.strictSame(await one.revocations.revoke(keyId, NOW), { isNew: true, isDurable: false })
  t.strictSame(await one.revocations.revoke(keyId, NOW), { isNew: false, isDurable: false })
  t.equal(one.revocations.isRevoked(keyId), true)
  t.equal(one.revocations.pending(), 1)
  t.equal(one.revocations.isWhole(), false)
  t.match(one.said.at(-1), /^warn a revocation is not durable yet/)
  await settled()
  t.equal(other.revocations.isRevoked(keyId), true)
  t.equal(other.revocations.isWhole(), true, 'for it nothing is left to be written')
})

test('while what is shared is away a revocation is durable, and others learn of it later', async (t) => {
  const { open, memory } = setUp(t)
  const [one, other] = [await open(), await open()]
  memory.away()
  const keyId = randomUUID()
  t.strictSame(await one.revocations.revoke(keyId, NOW), { isNew: true, isDurable: true })
  t.match(one.said.at(-1), /^warn a revocation could not be announced/)
  await settled()
  t.equal(other.revocations.isRevoked(keyId), false)
  memory.back()
  await settled()
  t.equal(other.revocations.isRevoked(keyId), true)
})

test('a list that was never read is told, and what is in force stays so while it cannot be read again', async (t) => {
  const { open, fault, memory } = setUp(t)
  fault.lists = true
  const late = await open()
  t.equal(late.revocations.isWhole(), false)
  t.match(late.said, [/^warn the list of revoked keys could not be read yet/])
  fault.lists = false
  memory.back()
  await settled()
  t.equal(late.revocations.isWhole(), true)
  t.match(late.said.at(-1), /^info the list of revoked keys was read/)
  const keyId = randomUUID()
  await late.revocations.revoke(keyId, NOW)
  fault.lists = true
  memory.back()
  await settled()
  t.equal(late.revocations.isWhole(), false)
  t.match(late.said.at(-1), /^warn revocations of other replicas cannot be read/)
  t.equal(late.revocations.isRevoked(keyId), true)
  const told = late.said.length
  memory.back()
  await settled()
  t.equal(late.said.length, told, 'it is said once')
})

test('the list is read again where its mark is another one, and not where it is the same', async (t) => {
  const { open, state, reads } = setUp(t)
  const clock = { looks: 0 }
  const soon = { lookEveryMs: 0, clock: () => clock.looks++ }
  const { revocations, shared } = await open(undefined, soon)
  const looked = async (times: number): Promise<void> => {
    const before = clock.looks
    await eventually(() => clock.looks >= before + times)
  }
  await looked(3)
  const first = reads.lists
  await looked(3)
  t.equal(reads.lists, first, 'it says that nothing has changed')
  const keyId = randomUUID()
  await state.compareAndSet(`revoked/${keyId}`, undefined, Buffer.from('{}'))
  await looked(3)
  t.equal(revocations.isRevoked(keyId), false)
  await announceRevocation(shared, randomUUID())
  await eventually(() => revocations.isRevoked(keyId))
  const { lists } = reads
  await looked(3)
  t.equal(reads.lists, lists)
  await revocations.close()
  await settled()
  const { looks } = clock
  await settled()
  t.equal(clock.looks, looks, 'what is closed looks no more')
})

test('what could not be written is tried again soon, until it is', async (t) => {
  const { open, state, fault } = setUp(t)
  const { revocations, said } = await open(undefined, { lookEveryMs: 3_600_000, retryEveryMs: 0 })
  t.match(said, [/^info the list of revoked keys was read/])
  fault.writes = true
  const later = await open(undefined, { lookEveryMs: 0, retryEveryMs: 0 })
  const keyId = randomUUID()
  await later.revocations.revoke(keyId, NOW)
  await settled()
  t.strictSame([later.revocations.pending(), later.revocations.isWhole()], [1, false])
  fault.writes = false
  await eventually(() => later.revocations.isWhole())
  t.strictSame(await listRevoked(state), [keyId])
  t.equal(later.revocations.pending(), 0)
  t.equal(revocations.pending(), 0)
})

test('how long others may have revoked unseen runs from the last look that saw everything', async (t) => {
  const { open, fault, memory } = setUp(t)
  const clock = { time: 1_000 }
  const far = { lookEveryMs: 3_600_000, clock: () => clock.time }
  const { revocations } = await open(undefined, far)
  clock.time += 70
  t.equal(revocations.blindMs(), 70)
  fault.lists = true
  memory.back()
  await settled()
  t.equal(revocations.blindMs(), 70)
  fault.lists = false
  memory.back()
  await settled()
  t.equal(revocations.blindMs(), 0)
  fault.lists = true
  const never = await open(undefined, far)
  t.equal(never.revocations.blindMs(), Number.POSITIVE_INFINITY)
})
