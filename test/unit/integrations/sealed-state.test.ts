// Sealed states: opened once, by whom they are for, as long as they live; and every refusal is the same.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import type { AuditEvent } from '../../../src/core/audit-event.ts'
import type { Caller } from '../../../src/core/caller.ts'
import type { ProblemError } from '../../../src/core/problem.ts'
import { sealJwe } from '../../../src/crypto/jwe.ts'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { createSealedState, type SealedState } from '../../../src/integrations/sealed-state.ts'
import {
  createUsedStates,
  endedUses,
  type UsedStates
} from '../../../src/integrations/used-states.ts'
import { createEmbeddedState } from '../../../src/state/embedded.ts'
import { removeLeftovers } from '../../../src/state/leftovers.ts'
import { type Shared, SharedUnavailable } from '../../../src/state/shared.ts'
import type { State } from '../../../src/state/state.ts'
import { createCanary } from '../../support/canary.ts'
import { openState } from '../../support/embedded.ts'
import { respellingsOf } from '../../support/respellings.ts'

const NOON = Date.parse('2026-03-01T12:00:00Z')
const REFUSED = { code: 'invalid_request', details: { detail: 'the state is not accepted' } }

const callerOf = (client: string): Caller => ({
  client,
  mode: 'w',
  route: 'POST /v1/state',
  requestId: 'request',
  address: '127.0.0.1'
})
const APP = callerOf('app')

interface Instance {
  readonly sealed: SealedState
  readonly events: AuditEvent[]
  readonly logs: string[]
  time: number
  keys: string[]
}

const open = (used: (now: () => number) => UsedStates, keys = [newEncryptionKey()]): Instance => {
  const events: AuditEvent[] = []
  const logs: string[] = []
  const instance: Instance = {
    sealed: createSealedState({
      keyring: () => createKeyring(instance.keys),
      used: used(() => instance.time),
      environment: 'dev',
      record: async (event) => void events.push(event),
      log: (...line) => void logs.push(JSON.stringify(line)),
      now: () => instance.time
    }),
    events,
    logs,
    time: NOON,
    keys
  }
  return instance
}

const onState = (state: State, keys?: string[]): Instance =>
  open((now) => createUsedStates({ state, now }), keys)

/** As far as states are concerned. */
const sharedOf = (acquire: Shared['acquire']): Shared => ({ acquire }) as unknown as Shared

const refusalOf = (promise: Promise<unknown>): Promise<ProblemError | undefined> =>
  promise.then(
    () => undefined,
    (error: ProblemError) => error
  )

const assertRefused = async (
  t: Test,
  { sealed, events }: Instance,
  state: string,
  reason: string,
  { caller = APP, binding }: { caller?: Caller; binding?: string } = {}
): Promise<void> => {
  const problem = await refusalOf(sealed.open(caller, { state, binding }))
  t.strictSame({ code: problem?.code, details: problem?.details }, REFUSED, reason)
  t.match(events.at(-1), {
    action: 'state.open',
    outcome: 'denied',
    code: 'invalid_request',
    reason
  })
}

test('any JSON comes back as it was, once', async (t) => {
  const instance = onState(openState(t))
  const { sealed, events } = instance
  for (const data of [
    null,
    false,
    0,
    '',
    'text',
    [],
    [1, { a: null }],
    { a: { b: ['ä', '🔑'] } }
  ]) {
    const { state, expiresAt } = await sealed.seal(APP, { data })
    t.match(state, /^[A-Za-z0-9_.-]+$/)
    t.equal(expiresAt, NOON + 600_000)
    t.strictSame(await sealed.open(APP, { state }), data)
    await assertRefused(t, instance, state, 'used')
  }
  t.match(events[0], { action: 'state.seal', outcome: 'allowed', client: 'app' })
  t.match(events[1], { action: 'state.open', outcome: 'allowed', client: 'app' })
})

test('a state lives for as long as was asked', async (t) => {
  const instance = onState(openState(t))
  const { sealed } = instance
  const { state: short, expiresAt } = await sealed.seal(APP, { data: 1, ttlSeconds: 5 })
  const { state: long } = await sealed.seal(APP, { data: 2 })
  const { state: last } = await sealed.seal(APP, { data: 3 })
  t.equal(expiresAt, NOON + 5_000)
  instance.time = NOON + 5_000
  await assertRefused(t, instance, short, 'expired')
  instance.time = NOON + 599_999
  t.equal(await sealed.open(APP, { state: long }), 2)
  instance.time = NOON + 600_000
  await assertRefused(t, instance, last, 'expired')
})

test('data is held to 4096 bytes of JSON, in whatever characters, and that much fits', async (t) => {
  const { sealed, events } = onState(openState(t))
  const data = `${'ä'.repeat(2047)}`
  const { state } = await sealed.seal(callerOf('c'.repeat(64)), { data, binding: 'b'.repeat(1024) })
  const opened = sealed.open(callerOf('c'.repeat(64)), { state, binding: 'b'.repeat(1024) })
  t.equal(await opened, data)
  t.match(await refusalOf(sealed.seal(APP, { data: `${data}a` })), { code: 'payload_too_large' })
  t.match(events.at(-1), { action: 'state.seal', outcome: 'failed', code: 'payload_too_large' })
})

test("a state is its client's and, with a binding, its browser's; a wrong one does not use it up", async (t) => {
  const instance = onState(openState(t))
  const { sealed } = instance
  const { state } = await sealed.seal(APP, { data: 1, binding: 'nonce' })
  await assertRefused(t, instance, state, 'other_client', {
    caller: callerOf('other'),
    binding: 'nonce'
  })
  await assertRefused(t, instance, state, 'other_binding')
  for (const binding of ['', 'nonce2', 'Nonce', 'none']) {
    await assertRefused(t, instance, state, 'other_binding', { binding })
  }
  t.equal(await sealed.open(APP, { state, binding: 'nonce' }), 1)
  const { state: free } = await sealed.seal(APP, { data: 2 })
  await assertRefused(t, instance, free, 'other_binding', { binding: 'nonce' })
  t.equal(await sealed.open(APP, { state: free }), 2)
})

test('what is forged, respelt or sealed for another purpose is refused, and uses nothing up', async (t) => {
  const instance = onState(openState(t))
  const { sealed, keys } = instance
  const { state } = await sealed.seal(APP, { data: 1 })
  const parts = state.split('.')
  const tampered = [...parts.slice(0, 3), 'A'.repeat(22), ''].slice(0, 5).join('.')
  const keyring = createKeyring(keys)
  const claims = { jti: 'x'.repeat(36), cli: 'app', env: 'dev', exp: NOON, bnd: '', data: 1 }
  const forged = [
    '',
    'x',
    'x'.repeat(60_000),
    tampered,
    `${state} `,
    state.slice(0, -1),
    await sealJwe(keyring, 'api-key', claims),
    await sealJwe(keyring, 'state', { ...claims, more: 1 }),
    await sealJwe(createKeyring([newEncryptionKey()]), 'state', claims),
    ...respellingsOf(state)
  ]
  for (const text of forged) await assertRefused(t, instance, text, 'unreadable')
  await assertRefused(
    t,
    instance,
    await sealJwe(keyring, 'state', { ...claims, env: 'pro' }),
    'environment'
  )
  t.equal(await sealed.open(APP, { state }), 1)
  for (const text of respellingsOf(state)) await assertRefused(t, instance, text, 'unreadable')
})

test('a state survives the rotation of the encryption key, until the old one is taken out', async (t) => {
  const [old, next] = [newEncryptionKey(), newEncryptionKey()]
  const instance = onState(openState(t), [old])
  const { sealed } = instance
  const { state } = await sealed.seal(APP, { data: 1 })
  const { state: later } = await sealed.seal(APP, { data: 2 })
  instance.keys = [old, next]
  t.equal(await sealed.open(APP, { state }), 1)
  await assertRefused(t, instance, state, 'used')
  instance.keys = [next]
  await assertRefused(t, instance, later, 'unreadable')
})

test('of a hundred that open one state at once, one gets it', async (t) => {
  const keys = [newEncryptionKey()]
  const directory = mkdtempSync(join(tmpdir(), 'purser-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const states = [openState(t, directory), openState(t, directory)]
  const taken = new Set<string>()
  const shared = sharedOf(async (key) => !taken.has(key) && taken.add(key) !== undefined)
  for (const replicas of [
    states.map((state) => onState(state, keys)),
    states.map((state) => open((now) => createUsedStates({ state, shared, now }), keys))
  ]) {
    const sealedState = await replicas[0]?.sealed.seal(APP, { data: 'mine' })
    const all = await Promise.allSettled(
      Array.from({ length: 100 }, (_, i) =>
        replicas[i % 2]?.sealed.open(APP, { state: sealedState?.state ?? '' })
      )
    )
    t.equal(all.filter(({ status }) => status === 'fulfilled').length, 1)
    const used99 = replicas
      .flatMap(({ events }) => events)
      .filter(({ reason }) => reason === 'used')
    t.equal(used99.length, 99)
  }
})

test('what was opened stays so after a restart', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'purser-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const keys = [newEncryptionKey()]
  const before = createEmbeddedState(directory)
  const { sealed } = onState(before, keys)
  const { state } = await sealed.seal(APP, { data: 1 })
  const { state: unopened } = await sealed.seal(APP, { data: 2 })
  t.equal(await sealed.open(APP, { state }), 1)
  await before.close()
  const after = onState(openState(t, directory), keys)
  await assertRefused(t, after, state, 'used')
  t.equal(await after.sealed.open(APP, { state: unopened }), 2)
})

test('what cannot be written down is not given out', async (t) => {
  const canary = createCanary()
  const down = sharedOf(async () => {
    throw new SharedUnavailable()
  })
  const full: State = {
    ...openState(t),
    compareAndSet: async () => {
      throw new Error('no space left on device')
    }
  }
  for (const instance of [
    open((now) => createUsedStates({ state: openState(t), shared: down, now })),
    onState(full)
  ]) {
    const { sealed, events, logs } = instance
    const { state } = await sealed.seal(APP, { data: canary.token })
    const problem = await refusalOf(sealed.open(APP, { state }))
    t.equal(problem?.code, 'overloaded')
    t.match(events.at(-1), { action: 'state.open', outcome: 'failed', code: 'overloaded' })
    t.same(canary.findIn(JSON.stringify([events, logs, problem])), [])
  }
})

test('a shared register is told how long to keep what was opened', async (t) => {
  const calls: unknown[][] = []
  const shared = sharedOf(async (...call) => calls.push(call) > 0)
  const { sealed } = open((now) => createUsedStates({ state: openState(t), shared, now }))
  const { state } = await sealed.seal(APP, { data: 1, ttlSeconds: 30 })
  await sealed.open(APP, { state })
  t.match(calls, [[/^used:[0-9a-f-]{36}$/, String, 90_000]])
})

test('what has expired may leave the register, and what has not stays', async (t) => {
  const state = openState(t)
  const instance = onState(state)
  const { sealed } = instance
  const openNew = async (ttlSeconds: number): Promise<string> => {
    const one = await sealed.seal(APP, { data: 1, ttlSeconds })
    await sealed.open(APP, one)
    return one.state
  }
  for (let n = 0; n < 20; n++) await openNew(10)
  const long = await openNew(600)
  instance.time = NOON + 71_000
  // By so much a clock that is believed may be ahead.
  const margin = 15 * 86_400_000
  t.equal(
    await removeLeftovers(state, endedUses, NOON + 69_999 + margin),
    0,
    'a minute longer than it lives'
  )
  t.equal(await removeLeftovers(state, endedUses, NOON + 71_000 + margin), 20)
  await assertRefused(t, instance, long, 'used')
})
