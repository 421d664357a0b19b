// What is done with keys, by whichever door: each on record before its outcome is told, and a revocation in force before that.
import { test } from 'tap'
import { createRecorder } from '../../../src/audit/recorder.ts'
import type { AuditEvent } from '../../../src/core/audit-event.ts'
import type { Principal } from '../../../src/core/principal.ts'
import { ProblemError } from '../../../src/core/problem.ts'
import { RefusedKey } from '../../../src/keys/authenticator.ts'
import { createKeyCare, type KeyCareOptions } from '../../../src/keys/care.ts'

const DOOR = { route: 'POST /v1/admin/keys', requestId: 'r', address: '127.0.0.1' }
const CALLER = { ...DOOR, client: 'admin', mode: 'rw', keyId: 'k1', kid: 'kid' } as const
const ISSUER: Principal = {
  client: 'admin',
  keyId: 'k1',
  kid: 'kid',
  scopes: ['aura-services'],
  mode: 'r',
  environment: 'dev',
  minimumVersion: '1.0.0',
  issuedAt: 0
}
const ISSUED = { apiKey: 'text', principal: { ...ISSUER, client: 'app', keyId: 'k2' } }
const ASKED = { client: 'app', scopes: ['aura-services'], mode: 'r' } as const

const setUp = (options: Partial<KeyCareOptions> = {}, isWritable = true) => {
  const events: AuditEvent[] = []
  const revoked: string[] = []
  const recorder = createRecorder({
    environment: 'dev',
    record: async (event) => {
      if (!isWritable) throw new ProblemError('audit_unavailable')
      events.push(event)
    },
    log: () => {}
  })
  const care = createKeyCare({
    recorder,
    issuing: {
      issue: async () => ISSUED,
      revokeWithIssued: async () => ({ isNew: true, isDurable: true, issued: ['k3'] }),
      revokeOfTrust: async () => ({ isNew: true, isDurable: true, issued: ['k4', 'k5'] })
    },
    revocations: {
      revoke: async (keyId) => {
        revoked.push(keyId)
        return { isNew: true, isDurable: true }
      }
    },
    authenticate: () => ISSUER,
    isTrust: () => false,
    now: Date.now,
    ...options
  })
  return { care, events, revoked }
}

test('an issue is on record with the id of the key, and without the record there is no key', async (t) => {
  const { care, events } = setUp()
  t.same(await care.issue(CALLER, ISSUER, ASKED), ISSUED)
  t.match(events, [{ action: 'key.issue', outcome: 'allowed', reason: 'k2', client: 'admin' }])
  const unrecorded = setUp({}, false).care.issue(CALLER, ISSUER, ASKED)
  await t.rejects(unrecorded, { code: 'audit_unavailable' })
})

test('an issue by a key that was revoked meanwhile is denied, and one that conflicts has failed', async (t) => {
  for (const [problem, outcome] of [
    [new ProblemError('invalid_api_key', {}, 'revoked'), 'denied'],
    [new ProblemError('conflict'), 'failed']
  ] as const) {
    const never = undefined as never
    const issue = () => Promise.reject(problem)
    const issuing = { issue, revokeWithIssued: never, revokeOfTrust: never }
    const { care, events } = setUp({ issuing })
    await t.rejects(care.issue(CALLER, ISSUER, ASKED), problem)
    t.match(events, [{ action: 'key.issue', outcome, code: problem.code }])
  }
})

test('each key that is revoked has a line, and is revoked also where there can be none', async (t) => {
  const { care, events } = setUp()
  await care.revoke(CALLER, 'k2', true)
  t.same(
    events.map(({ action, reason }) => [action, reason]),
    [
      ['key.revoke', 'k2'],
      ['key.revoke', 'k3']
    ]
  )
  const unrecorded = setUp({}, false)
  await t.rejects(unrecorded.care.revoke(CALLER, 'k2', false), { code: 'audit_unavailable' })
  t.same(unrecorded.revoked, ['k2'])
})

test('each key of a trust that is revoked has a line with the trust, and the trust has one', async (t) => {
  const { care, events } = setUp()
  await care.revokeOfTrust(CALLER, 'prod-cluster')
  t.same(
    events.map(({ action, object, reason }) => [action, object, reason]),
    [undefined, 'k4', 'k5'].map((id) => ['key.revoke', 'trust prod-cluster', id])
  )
})

test('an introspection is on record with whose key it is, or with why it is none', async (t) => {
  const { care, events } = setUp()
  t.equal(await care.introspect(DOOR, 'text', undefined), ISSUER)
  const refuse = () => new RefusedKey('not_in_force', ISSUER)
  const refusing = setUp({ authenticate: refuse })
  t.equal(await refusing.care.introspect(DOOR, 'text', undefined), undefined)
  t.match(
    [...events, ...refusing.events],
    [
      { action: 'key.introspect', outcome: 'allowed', client: 'admin', keyId: 'k1' },
      { action: 'key.introspect', outcome: 'denied', reason: 'not_in_force', client: undefined }
    ]
  )
})

test('a passage is granted by one of its scopes and the mode for its method, and refused with what was asked for', async (t) => {
  const { care, events } = setUp()
  const ask = (scopes: readonly string[], method = 'GET') =>
    care.authorize(CALLER, ISSUER, () => ({ scopes, method }))
  t.equal(await ask(['other:a', 'aura-services:nlp']), 'aura-services:nlp')
  await t.rejects(ask(['other:a', 'other:b']), { code: 'insufficient_scope' })
  await t.rejects(ask(['aura-services:nlp'], 'POST'), { code: 'insufficient_mode' })
  const unreadable = new ProblemError('access_denied', {}, 'no_method')
  const read = () => {
    throw unreadable
  }
  await t.rejects(care.authorize(CALLER, ISSUER, read), unreadable)
  t.same(
    events.map(({ outcome, reason }) => [outcome, reason]),
    [
      ['allowed', 'aura-services:nlp'],
      ['denied', 'other:a,other:b'],
      ['denied', 'aura-services:nlp'],
      ['denied', 'no_method']
    ]
  )
})
