/** The register of open sessions apart from HTTP: what stands in it, what becomes of it, and what cannot harm a session. */
import { type Test, test } from 'tap'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { createSealer } from '../../../src/crypto/sealer.ts'
import { createTokenSigner } from '../../../src/crypto/session-token.ts'
import { countSealed } from '../../../src/integrations/sealed-count.ts'
import { SESSIONS_MAX } from '../../../src/keys/lifetime.ts'
import { SESSION_TOKEN, type Session, sessionAudience } from '../../../src/keys/session.ts'
import { createSessionRegister, unseenSessions } from '../../../src/keys/session-register.ts'
import { createSessions } from '../../../src/keys/sessions.ts'
import { countLeftovers } from '../../../src/state/leftovers.ts'
import type { State } from '../../../src/state/state.ts'
import { openState } from '../../support/embedded.ts'
import { randomSecret } from '../../support/keys.ts'
import { PRINCIPAL } from '../../support/open-server.ts'

const START = 1_800_000_000
const SECOND = 1_000
const KEY = { ...PRINCIPAL, client: 'the-client', scopes: ['aura-admin'], issuedAt: START }
const ANA = {
  issuer: 'https://provider.example',
  subject: 'ana',
  email: 'ana@example.com',
  client: 'operator',
  mode: 'rw'
} as const

const setUp = (t: Test, wrap: (state: State) => State = (state) => state) => {
  const clock = { now: START * SECOND }
  const keys = [newEncryptionKey()]
  const failures: string[] = []
  const revoked = new Set<string>()
  const kept = openState(t)
  const state = wrap(kept)
  const sealer = () => createSealer(createKeyring(keys))
  const register = createSessionRegister({
    state,
    sealer,
    onFailure: () => failures.push('failed')
  })
  const signer = createTokenSigner({
    ...SESSION_TOKEN,
    secrets: [randomSecret()],
    audience: sessionAudience('dev')
  })
  const sessions = createSessions({
    signer: () => signer,
    refusalOf: () => undefined,
    register,
    revocations: {
      isRevoked: (name) => revoked.has(name),
      revoke: async (name) => ({ isNew: true, isDurable: Boolean(revoked.add(name)) })
    },
    administratorOf: () => ANA,
    environment: 'dev',
    adminScope: 'aura-admin',
    now: () => clock.now
  })
  const entries = async () => {
    const found = []
    for await (const entry of kept.list('sessions/')) found.push(entry)
    return found
  }
  const ids = async () => (await sessions.list()).map(({ session }) => session.id)
  return { clock, keys, failures, register, sessions, state: kept, entries, ids }
}

test('what stands in the register is sealed, and has no token', async (t) => {
  const { sessions, entries } = setUp(t)
  const opened = [await sessions.open(KEY, '10.0.0.1'), await sessions.openFor(ANA, '10.0.0.2')]
  const kept = (await entries())
    .map(({ key, value }) => `${key} ${value.toString('latin1')}`)
    .join()
  for (const { token, session } of opened) {
    t.match(kept, session.id, 'the id is random')
    for (const text of [token, session.csrfToken, session.principal.client, 'ana@', '10.0.0.']) {
      t.notOk(kept.includes(text), text)
    }
  }
  const listed = await sessions.list()
  for (const { session } of listed) {
    const own = opened.find((one) => one.session.id === session.id)?.session
    t.strictSame(session, { ...own, csrfToken: 'A'.repeat(22) })
  }
  t.same(listed.map(({ address }) => address).toSorted(), ['10.0.0.1', '10.0.0.2'])
})

test('an entry goes with its session: signed out, idle, or with the next look', async (t) => {
  const { clock, sessions, entries, ids } = setUp(t)
  const [{ session: out }, { session: idle }] = [await sessions.open(KEY), await sessions.open(KEY)]
  await sessions.end(out)
  t.equal((await entries()).length, 1, 'at once')
  const { session: other } = await sessions.open(KEY)
  await sessions.end({ id: other.id })
  t.same(await ids(), [idle.id])
  t.equal((await entries()).length, 1, 'where its end was not known')
  clock.now += 15 * 60 * SECOND
  t.same(await ids(), [])
  t.equal((await entries()).length, 0)
})

test('a session that nobody looks for any more goes with what is over its time', async (t) => {
  const { sessions, state } = setUp(t)
  await sessions.open(KEY)
  const after = (days: number) =>
    countLeftovers(state, unseenSessions, (START + 8 * 3_600 + days * 86_400) * SECOND)
  t.equal(await after(14), 0, 'a clock may be ahead')
  t.equal(await after(15), 1)
})

test('a request that overtakes the sign-in once more takes nothing back', async (t) => {
  const { clock, register, sessions } = setUp(t)
  const { session } = await sessions.open(KEY)
  clock.now += 60 * SECOND
  const { session: again } = await sessions.reauthenticate(session)
  await register.note(session, '10.0.0.9')
  const [listed] = await sessions.list()
  t.equal(listed?.session.reauthenticatedAt, again.reauthenticatedAt)
})

test('an encryption key may go: the next act puts the session under the active one', async (t) => {
  const { keys, clock, sessions, state, ids, entries } = setUp(t)
  const { session } = await sessions.open(KEY)
  t.same((await countSealed(state)).byKey, new Map(), 'none has to stay for a session')
  keys.splice(0, 1, newEncryptionKey())
  t.same(await ids(), [])
  t.equal((await entries()).length, 1, 'another replica may still open it')
  await sessions.renew(session)
  t.same(await ids(), [session.id])
  keys.splice(0, 1, newEncryptionKey())
  clock.now += 9 * 3_600 * SECOND
  t.same(await ids(), [])
  t.equal((await entries()).length, 0, 'after its end it goes in any case')
})

test('a state that is away keeps nobody from signing in; the next renewal writes it', async (t) => {
  let isAway = true
  const away = () => Promise.reject(new Error('away'))
  const { sessions, failures, ids, clock } = setUp(t, (state) => ({
    ...state,
    get: (key) => (isAway ? away() : state.get(key)),
    list: async function* (prefix) {
      if (isAway) await away()
      yield* state.list(prefix)
    }
  }))
  const { session } = await sessions.open(KEY)
  await sessions.renew(session)
  t.same(failures, ['failed'], 'it is said once')
  await t.rejects(sessions.list())
  isAway = false
  t.same(await ids(), [])
  clock.now += 60 * SECOND
  await sessions.renew(session)
  t.same(await ids(), [session.id])
})

test('there are so many sessions at most: the oldest of all ends for a new one', async (t) => {
  const { sessions, register, ids } = setUp(t)
  const { session } = await sessions.open(KEY)
  const many: Session[] = Array.from({ length: SESSIONS_MAX - 1 }, (_, n) => {
    const id = `5a0c5f0e-7a0a-4d0e-8a39-${String(n).padStart(12, '0')}`
    return { ...session, id, signedInAt: START + 1, principal: { ...KEY, keyId: id } }
  })
  for (const one of many)
    await register.note({ ...one, endsAtLatest: session.endsAtLatest }, undefined)
  t.equal((await ids()).length, SESSIONS_MAX)
  const keyId = '9d0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10'
  const { displaced } = await sessions.open({ ...KEY, keyId })
  t.equal((await ids()).length, SESSIONS_MAX)
  t.same(
    displaced.map(({ id }) => id),
    [session.id]
  )
})
