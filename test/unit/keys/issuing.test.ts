/** Keys that keys issue: entered before they leave, cut off with their issuer, and never too deep. */
import { randomUUID } from 'node:crypto'
import { type Test, test } from 'tap'
import type { Principal } from '../../../src/core/principal.ts'
import { createIssuing, type IssuingOptions } from '../../../src/keys/issuing.ts'
import { createLineage } from '../../../src/keys/lineage.ts'
import { createRevocations, issuedBy } from '../../../src/keys/revocations.ts'
import { openState } from '../../support/embedded.ts'
import { randomKeyring } from '../../support/keys.ts'
import { eventually } from '../../support/redis.ts'
import { pass } from '../../support/stopwatch.ts'

const NOW = Date.parse('2026-11-21T12:00:00Z')
const { keyring } = randomKeyring()
const RULES = {
  platformVersion: '8.3.0',
  maxDays: 0,
  adminScope: 'aura-admin',
  delegations: [{ client: 'deployer', clients: ['bot-*'], scopes: ['aura-services:secrets'] }]
}
const ASKED = { client: 'bot-1', scopes: ['aura-services:secrets'], mode: 'r' } as const
const issuer = (more: Partial<Principal> = {}): Principal => ({
  keyId: randomUUID(),
  client: 'deployer',
  scopes: ['aura-admin'],
  mode: 'rw',
  environment: 'dev',
  minimumVersion: '8.3.0',
  issuedAt: NOW / 1_000,
  kid: keyring.active.kid,
  ...more
})

const open = (t: Test, more: Partial<IssuingOptions> = {}) => {
  const state = openState(t)
  const lineage = createLineage(state)
  const revocations = createRevocations(state)
  const issuing = createIssuing({
    keyring: () => keyring,
    usage: { isKnown: async () => false },
    revocations,
    lineage,
    floor: { isReached: async () => true },
    rules: () => RULES,
    now: () => NOW,
    ...more
  })
  t.teardown(() => issuing.close())
  return { state, lineage, revocations, issuing }
}
const away = async (): Promise<never> => {
  throw new Error('away')
}

test('an issued key names its issuers, oldest first, in its text and in its entry', async (t) => {
  const { issuing, lineage } = open(t)
  const first = issuer()
  const { principal } = await issuing.issue(first, ASKED)
  t.match(principal, { client: 'bot-1', via: [first.keyId] })
  t.strictSame(await lineage.ancestorsOf({ keyId: principal.keyId }), [first.keyId])
  t.equal(await issuing.wasIssued(first), false)
  t.equal(await issuing.wasIssued(principal), true)
})

test('as long as a former version may run the text says nothing of them, and the entry does', async (t) => {
  const { issuing, lineage } = open(t, { floor: { isReached: async () => false } })
  const first = issuer()
  const { principal } = await issuing.issue(first, ASKED)
  t.strictSame(principal.via, [first.keyId], 'who asks is told')
  const { via: _, ...silent } = principal
  t.strictSame(await lineage.ancestorsOf(silent), [first.keyId])
})

test('what was issued uses no delegation, and hands on what it has', async (t) => {
  const { issuing } = open(t)
  const via = [randomUUID()]
  await t.rejects(issuing.issue(issuer({ via }), ASKED), { code: 'insufficient_scope' })
  const own = issuer({ via, scopes: ['aura-services'], client: 'x' })
  t.match(await issuing.issue(own, ASKED), { principal: { via: [...via, own.keyId] } })
})

test('between a key and the first stand four at most', async (t) => {
  const { issuing } = open(t)
  const via = (length: number) => Array.from({ length }, () => randomUUID())
  const scopes = ['aura-services']
  t.ok(await issuing.issue(issuer({ via: via(3), scopes }), ASKED))
  await t.rejects(issuing.issue(issuer({ via: via(4), scopes }), ASKED), {
    code: 'access_denied',
    reason: 'issued_too_deep'
  })
})

test('an id is given once: not after a key of it was issued, revoked or seen', async (t) => {
  const { issuing, revocations } = open(t)
  const [issued, revoked] = [randomUUID(), randomUUID()]
  t.equal((await issuing.issue(issuer(), { ...ASKED, identifier: issued })).principal.keyId, issued)
  await revocations.revoke(revoked, NOW)
  for (const identifier of [issued, revoked]) {
    await t.rejects(issuing.issue(issuer(), { ...ASKED, identifier }), { code: 'conflict' })
  }
  const seen = open(t, { usage: { isKnown: async () => true } })
  await t.rejects(seen.issuing.issue(issuer(), { ...ASKED, identifier: randomUUID() }), {
    code: 'conflict'
  })
  t.ok(await seen.issuing.issue(issuer(), ASKED), 'a new id is not looked up')
})

test('what no key may hold is the request that is wrong', async (t) => {
  const { issuing } = open(t)
  const scopes = Array.from({ length: 32 }, (_, i) => `aura-services:${'x'.repeat(100)}${i}`)
  await t.rejects(issuing.issue(issuer({ scopes: ['aura-services'] }), { ...ASKED, scopes }), {
    code: 'invalid_request'
  })
})

test('an issuer that was revoked, itself or with what it issued, issues nothing', async (t) => {
  const grandparent = randomUUID()
  const child = issuer({ via: [grandparent], scopes: ['aura-services'] })
  for (const name of [child.keyId, issuedBy(child.keyId), issuedBy(grandparent)]) {
    const { issuing, revocations } = open(t)
    await revocations.revoke(name, NOW)
    await t.rejects(issuing.issue(child, ASKED), { code: 'invalid_api_key', reason: 'revoked' })
  }
  const { issuing, revocations } = open(t)
  await revocations.revoke(grandparent, NOW)
  t.ok(await issuing.issue(child, ASKED), 'the key alone was revoked, not what it issued')
})

test('a revocation that another replica wrote meanwhile is seen', async (t) => {
  const state = openState(t)
  const known = createRevocations(state)
  // This replica has not heard of it yet.
  const { issuing } = open(t, {
    revocations: { ...known, isRevoked: () => false },
    lineage: createLineage(state)
  })
  const deployer = issuer()
  await known.revoke(issuedBy(deployer.keyId), NOW)
  await t.rejects(issuing.issue(deployer, ASKED), { code: 'invalid_api_key' })
})

test('while the entries cannot be reached no key is issued', async (t) => {
  const { lineage } = open(t)
  const faults: readonly Partial<IssuingOptions>[] = [
    { lineage: { ...lineage, ancestorsOf: away } },
    { lineage: { ...lineage, enter: away } },
    { lineage: { ...lineage, isCutOff: away } },
    { floor: { isReached: away } },
    { usage: { isKnown: away } }
  ]
  for (const fault of faults) {
    const asked = { ...ASKED, identifier: randomUUID() }
    await t.rejects(open(t, fault).issuing.issue(issuer(), asked), { code: 'store_unavailable' })
  }
})

test('a key is revoked with all that it issued, at any depth, and what is new is told', async (t) => {
  const { issuing, revocations } = open(t)
  const deployer = issuer()
  const { principal: child } = await issuing.issue(deployer, ASKED)
  const { principal: grandchild } = await issuing.issue(child, ASKED)
  const { principal: other } = await issuing.issue(issuer(), ASKED)
  const done = await issuing.revokeWithIssued(deployer.keyId)
  t.match(done, { isNew: true, isDurable: true })
  t.strictSame([...done.issued].sort(), [child.keyId, grandchild.keyId].sort())
  for (const name of [deployer.keyId, issuedBy(deployer.keyId), child.keyId, grandchild.keyId]) {
    t.equal(revocations.isRevoked(name), true)
  }
  t.equal(revocations.isRevoked(other.keyId), false)
  t.match(await issuing.revokeWithIssued(deployer.keyId), { isNew: false, isDurable: true })
  await revocations.revoke(other.keyId, NOW)
  t.match(await issuing.revokeWithIssued(other.keyId), { isNew: true }, 'what it issued is new')
})

test('a revocation is not durable while one of its parts is not', async (t) => {
  const { lineage, revocations } = open(t)
  const deployer = issuer()
  await lineage.enter(issuer({ keyId: 'child' }), [deployer.keyId])
  const failing = open(t, {
    lineage: {
      ...lineage,
      // biome-ignore lint/correctness/useYield: it fails before it has any.
      descendantsOf: async function* () {
        throw new Error('away')
      }
    }
  })
  t.match(await failing.issuing.revokeWithIssued(deployer.keyId), { isDurable: false, issued: [] })
  for (const weak of [deployer.keyId, issuedBy(deployer.keyId), 'child']) {
    const { issuing } = open(t, {
      lineage,
      revocations: {
        ...revocations,
        revoke: async (name) => ({ isNew: true, isDurable: name !== weak })
      }
    })
    t.match(await issuing.revokeWithIssued(deployer.keyId), { isDurable: false, issued: ['child'] })
  }
})

test('a key whose issuer is revoked while it is entered does not leave', async (t) => {
  const revoked = new Set<string>()
  const deployer = issuer()
  const { state } = open(t)
  const lineage = createLineage(state)
  const { issuing } = open(t, {
    revocations: { ...createRevocations(state), isRevoked: (name) => revoked.has(name) },
    lineage: {
      ...lineage,
      enter: async (principal, via) => {
        revoked.add(deployer.keyId)
        return await lineage.enter(principal, via)
      }
    }
  })
  await t.rejects(issuing.issue(deployer, ASKED), { code: 'invalid_api_key', reason: 'revoked' })
})

/** An issuing of which the entries cannot be looked through for so many times. */
const failingFor = (t: Test, times: number) => {
  const { lineage, state } = open(t)
  const asked: string[] = []
  const opened = open(t, {
    retryEveryMs: 0,
    revocations: createRevocations(state),
    lineage: {
      ...lineage,
      descendantsOf: async function* (ancestor, endedBefore) {
        asked.push(ancestor)
        if (asked.length <= times) throw new Error('away')
        yield* lineage.descendantsOf(ancestor, endedBefore)
      }
    }
  })
  return { lineage, asked, issuing: opened.issuing, revocations: createRevocations(state) }
}

test('what could not be looked through is looked through again, until all of it is revoked', async (t) => {
  for (const revoke of ['revokeWithIssued', 'revokeOfTrust'] as const) {
    const { lineage, asked, issuing, revocations } = failingFor(t, 3)
    await lineage.enter(issuer({ keyId: 'child' }), ['ancestor'])
    t.match(await issuing[revoke]('ancestor'), { isDurable: false, issued: [] })
    t.equal(revocations.isRevoked('child'), false)
    await eventually(() => revocations.isRevoked('child'))
    t.strictSame(asked, Array(4).fill('ancestor'))
  }
})

test('what is closed tries nothing again', async (t) => {
  const { asked, issuing } = failingFor(t, Number.POSITIVE_INFINITY)
  await issuing.revokeWithIssued('ancestor')
  issuing.close()
  const before = asked.length
  await issuing.revokeWithIssued('ancestor')
  await pass(3)
  t.equal(asked.length, before + 1)
})

test('many keys are revoked together, not one after the other', async (t) => {
  let underWay = 0
  let most = 0
  const revoked: string[] = []
  const revoke = async (name: string) => {
    most = Math.max(most, ++underWay)
    await pass(2)
    underWay--
    revoked.push(name)
    return { isNew: true, isDurable: true }
  }
  const { issuing, lineage } = open(t, { revocations: { isRevoked: () => false, revoke } })
  const ids = Array.from({ length: 300 }, (_, i) => `k${i}`)
  for (const keyId of ids) await lineage.enter(issuer({ keyId }), ['trust'])
  t.match(await issuing.revokeOfTrust('trust'), { isDurable: true, issued: { length: 300 } })
  t.same(revoked.sort(), ids.sort())
  t.ok(most > 10 && most <= 64, `${most} at once`)
})

test('keys of a trust are revoked where they may be in force still', async (t) => {
  const { issuing, lineage, revocations } = open(t)
  const seconds = NOW / 1_000
  await lineage.enter(issuer({ keyId: 'ended', expiresAt: seconds - 3_601 }), ['trust'])
  await lineage.enter(issuer({ keyId: 'ending', expiresAt: seconds - 3_600 }), ['trust'])
  t.strictSame(await issuing.revokeOfTrust('trust'), {
    ...{ isNew: true, isDurable: true, issued: ['ending'] }
  })
  t.strictSame([revocations.isRevoked('ended'), revocations.isRevoked('ending')], [false, true])
  t.match(await issuing.revokeOfTrust('nobody'), { isNew: false, isDurable: true, issued: [] })
})
