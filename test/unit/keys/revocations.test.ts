/** Revocations on the embedded state: names of keys, of what keys issued, and of sessions. */
import { test } from 'tap'
import {
  createRevocations,
  endedSessions,
  entryKeyOf,
  idIn,
  isKeyRevoked,
  issuedBy,
  listRevoked,
  sessionNamed,
  tokensNamed
} from '../../../src/keys/revocations.ts'
import type { State } from '../../../src/state/state.ts'
import { openState } from '../../support/embedded.ts'

const KEY = '5a0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10'
const OTHER = '9d0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10'
const NOW = Date.parse('2026-03-01T12:00:00Z')
/** After their end entries are kept for as long as a clock may jump. */
const KEPT = 15 * 86_400_000

test('what was revoked is so at once, is new once, and is listed with its moment', async (t) => {
  const state = openState(t)
  const revocations = createRevocations(state)
  t.equal(revocations.isRevoked(KEY), false)
  t.strictSame(await revocations.revoke(KEY, NOW), { isNew: true, isDurable: true })
  t.strictSame([revocations.isRevoked(KEY), revocations.isRevoked(OTHER)], [true, false])
  t.strictSame(await revocations.revoke(KEY, NOW + 1), { isNew: false, isDurable: true })
  await revocations.revoke(sessionNamed(OTHER), NOW)
  t.strictSame((await listRevoked(state)).sort(), [KEY, sessionNamed(OTHER)])
  const entry = await state.get(entryKeyOf(KEY))
  t.strictSame(JSON.parse(entry?.toString() ?? ''), { at: '2026-03-01T12:00:00.000Z' })
})

test('a key is refused where one of its ancestors was revoked with all that it issued, and not with the ancestor alone', async (t) => {
  const revoked = new Set<string>()
  const isRevoked = (name: string): boolean => revoked.has(name)
  const child = { keyId: KEY, via: ['a', OTHER] }
  t.equal(isKeyRevoked(isRevoked, { keyId: KEY }), false)
  t.equal(isKeyRevoked(isRevoked, child), false)
  revoked.add(OTHER)
  t.equal(isKeyRevoked(isRevoked, child), false)
  revoked.add(issuedBy(OTHER))
  t.equal(isKeyRevoked(isRevoked, child), true)
  revoked.clear()
  t.equal(
    isKeyRevoked((name) => name === KEY, child),
    true
  )
  revoked.add(issuedBy(KEY))
  t.equal(isKeyRevoked(isRevoked, child), false)
})

test('the names of what a key issued and of a session are no ids, and say whose they are', async (t) => {
  for (const name of [KEY, issuedBy(KEY), sessionNamed(KEY)]) t.equal(idIn(name), KEY)
  t.equal(issuedBy(KEY), `${KEY}/issued`)
  t.equal(sessionNamed(KEY), `${KEY}/session`)
  t.equal(idIn(`${KEY}/session/x`), `${KEY}/session/x`)
})

test('what ended a session is kept for as long as the session could have lived, what revoked a key for ever', async (t) => {
  const entry = (name: string, value: string) => ({
    key: entryKeyOf(name),
    value: Buffer.from(value),
    version: 1
  })
  const at = JSON.stringify({ at: new Date(NOW).toISOString() })
  const later = NOW + 365 * 86_400_000
  const isOver = (name: string, value: string, now: number): boolean =>
    endedSessions.isOver(entry(name, value) as never, now)
  t.equal(isOver(sessionNamed(KEY), at, later), true)
  t.equal(isOver(sessionNamed(KEY), at, NOW + 8 * 3_600_000 + KEPT - 1), false)
  t.equal(isOver(sessionNamed(KEY), at, NOW + 8 * 3_600_000 + KEPT), true)
  t.equal(isOver(KEY, at, later), false)
  t.equal(isOver(issuedBy(KEY), at, later), false)
  for (const value of ['', '[]', '{}', '{"at":"then"}']) {
    t.equal(isOver(sessionNamed(KEY), value, later), false, value)
  }
})

test('revocations need a state that answers at once', async (t) => {
  t.throws(() => createRevocations({} as State), /answers at once/)
})

test('the tokens of a session before it was proven once more are ended under a name of that session', async (t) => {
  t.equal(idIn(tokensNamed(KEY)), KEY)
  t.equal(idIn(tokensNamed(KEY, 1764590400)), KEY)
  t.equal(new Set([tokensNamed(KEY), tokensNamed(KEY, 1), sessionNamed(KEY)]).size, 3)
})
