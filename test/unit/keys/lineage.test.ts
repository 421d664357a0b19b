/** Which keys issued which, and what a revocation finds of them. */
import { type Test, test } from 'tap'
import { createLineage, endedLines } from '../../../src/keys/lineage.ts'
import {
  createRevocations,
  idIn,
  isKeyRevoked,
  issuedBy,
  listRevoked
} from '../../../src/keys/revocations.ts'
import { openState } from '../../support/embedded.ts'

const NOW = Date.parse('2026-11-21T12:00:00Z')
const DAY_MS = 86_400_000
type Principal = Parameters<ReturnType<typeof createLineage>['enter']>[0]
const key = (keyId: string, more: Partial<Principal> = {}) => ({ keyId, ...more }) as Principal

const open = (t: Test) => {
  const state = openState(t)
  return { state, lineage: createLineage(state), revocations: createRevocations(state) }
}

const all = async (ids: AsyncIterable<string>): Promise<string[]> => {
  const found: string[] = []
  for await (const id of ids) found.push(id)
  return found
}

test('an id is entered once, with the ancestors that its key may not name itself', async (t) => {
  const { lineage } = open(t)
  t.equal(await lineage.enter(key('c'), ['a', 'b']), true)
  t.equal(await lineage.enter(key('c'), []), false)
  t.strictSame(await lineage.ancestorsOf({ keyId: 'c' }), ['a', 'b'])
  t.strictSame(await lineage.ancestorsOf({ keyId: 'c', via: ['x'] }), ['x'], 'a key that says it')
  t.strictSame(await lineage.ancestorsOf({ keyId: 'other' }), [])
})

test('what descends from a key is found at any depth, and nothing else', async (t) => {
  const { lineage, state } = open(t)
  for (let n = 0; n < 250; n++) await lineage.enter(key(`n${n}`), n % 50 === 0 ? ['a', 'b'] : ['b'])
  await lineage.enter(key('z'), ['other'])
  await state.compareAndSet('issued/broken', undefined, Buffer.from('{"via":"a"}'))
  t.strictSame(await all(lineage.descendantsOf('a')), ['n0', 'n100', 'n150', 'n200', 'n50'])
  t.equal((await all(lineage.descendantsOf('b'))).length, 250)
  t.strictSame(await all(lineage.descendantsOf('n0')), [])
})

test('a branch is cut off by a revocation of its last key, or of all that any of its keys issued', async (t) => {
  for (const [revoked, isCutOff] of [
    ['b', true],
    [issuedBy('a'), true],
    [issuedBy('b'), true],
    ['a', false],
    [issuedBy('x'), false]
  ] as const) {
    const { lineage, revocations } = open(t)
    t.equal(await lineage.isCutOff(['a', 'b']), false)
    await revocations.revoke(revoked, NOW)
    t.equal(await lineage.isCutOff(['a', 'b']), isCutOff, revoked)
  }
})

test('an entry is over two weeks after its key has ended, and never where the key does not end', async (t) => {
  const isOver = (entry: object | string, now: number): boolean =>
    endedLines.isOver(
      {
        key: 'issued/a',
        value: Buffer.from(typeof entry === 'string' ? entry : JSON.stringify(entry))
      },
      now
    )
  const { lineage, state } = open(t)
  const exp = NOW / 1_000
  await lineage.enter(key('a', { expiresAt: exp }), [])
  t.match(JSON.parse(String(await state.get('issued/a'))), { via: [], exp })
  t.strictSame([endedLines.name, endedLines.prefix], ['issued', 'issued/'])
  t.equal(isOver({ via: [], exp }, NOW + 15 * DAY_MS - 1), false)
  t.equal(isOver({ via: [], exp }, NOW + 15 * DAY_MS), true)
  t.equal(isOver({ via: [] }, Number.MAX_SAFE_INTEGER), false)
  t.equal(isOver('no JSON', Number.MAX_SAFE_INTEGER), false)
})

test('a revocation is in force at once, is new once, and is listed', async (t) => {
  const { revocations, state } = open(t)
  t.equal(revocations.isRevoked('a'), false)
  t.strictSame(await revocations.revoke('a', NOW), { isNew: true, isDurable: true })
  t.equal(revocations.isRevoked('a'), true)
  t.strictSame(await revocations.revoke('a', NOW + 1), { isNew: false, isDurable: true })
  await revocations.revoke(issuedBy('b'), NOW)
  t.strictSame(await listRevoked(state), ['a', issuedBy('b')])
  t.strictSame(JSON.parse(String(await state.get('revoked/a'))), { at: '2026-11-21T12:00:00.000Z' })
})

test('a key is refused by its own revocation, or by one of all that an ancestor issued', async (t) => {
  const revoked = new Set(['a', issuedBy('b')])
  const isRevoked = (name: string): boolean => revoked.has(name)
  t.equal(isKeyRevoked(isRevoked, { keyId: 'a' }), true)
  t.equal(isKeyRevoked(isRevoked, { keyId: 'b' }), false, 'only what it issued')
  t.equal(isKeyRevoked(isRevoked, { keyId: 'x', via: ['y', 'b'] }), true)
  t.equal(isKeyRevoked(isRevoked, { keyId: 'x', via: ['a'] }), false, 'only the ancestor itself')
  t.equal(isKeyRevoked(isRevoked, { keyId: 'x' }), false)
  t.strictSame([issuedBy('a'), idIn(issuedBy('a')), idIn('a')], ['a/issued', 'a', 'a'])
})

test('a state that does not answer at once is none for these revocations', async (t) => {
  const { getSync: _, ...slow } = openState(t)
  t.throws(() => createRevocations(slow), /answers at once/)
})

test('of what descends from a key only what had not ended by then is found, where that is asked for', async (t) => {
  const { lineage } = open(t)
  await lineage.enter(key('early', { expiresAt: NOW / 1_000 - 1 }), ['a'])
  await lineage.enter(key('then', { expiresAt: NOW / 1_000 }), ['a'])
  await lineage.enter(key('never'), ['a'])
  t.strictSame(await all(lineage.descendantsOf('a', NOW)), ['never', 'then'])
  t.strictSame(await all(lineage.descendantsOf('a')), ['early', 'never', 'then'])
})
