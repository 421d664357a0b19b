/** The part of the contract that takes a peer which fails on demand: faults, deadlines, logins, and nothing that leaks. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Test, test } from 'tap'
import type { FaultReason } from '../../src/core/fault.ts'
import type { Locator } from '../../src/core/secret.ts'
import { createRoute } from '../../src/kinds/shared/proxy.ts'
import { type Canary, createCanary } from '../support/canary.ts'
import { createDeps } from '../support/provider-deps.ts'
import { startStopwatch } from '../support/stopwatch.ts'
import { openWire, type WireBehaviour } from '../support/wire.ts'
import { type Opened, openOn } from './opened.ts'
import { faultOf, type Subject, unwrapped, type WireFake, within, wrapped } from './subject.ts'
import { FAILURES } from './wire-failures.ts'

const DEADLINE_MS = 700
/** Where something else is to come first, on a busy machine too. */
const PATIENCE_MS = 10_000
const deadlineFor = (reason: FaultReason): number =>
  reason === 'timeout' ? DEADLINE_MS : PATIENCE_MS
/** Of an answer without an end, what stands in sockets included. */
const MOST_TAKEN_BYTES = 32 * 1024 * 1024
/** How long after its deadline or its abort a read may take to settle. */
const GRACE_AFTER_DEADLINE_MS = 200
const GRACE_AFTER_ABORT_MS = 100

export const wireSuite = (kind: string, subject: Subject, fake: WireFake): void => {
  const locator: Locator = { path: subject.path('some/secret') }

  const open = (t: Test, behaviour: WireBehaviour, canary?: Canary): Promise<Opened> =>
    openOn(t, fake, behaviour, canary)

  test(`${kind} against a server that may fail`, async (suite) => {
    suite.test('a good answer is read, and the record hides its value', async (t) => {
      const canary = createCanary()
      const text = wrapped(subject, canary.token)
      const { provider, wire, hides } = await open(t, { read: 'found', text }, canary)
      const record = await provider.read(locator, within())
      t.equal(unwrapped(subject, record), canary.token)
      t.equal(wire.reads.length, 1)
      hides(record)
    })

    suite.test('the peer is told by its User-Agent who asks', async (t) => {
      const text = wrapped(subject, 'named')
      const { provider, wire } = await open(t, { read: 'found', text })
      await provider.read(locator, within())
      await provider.check(within())
      t.ok(wire.reads.length >= 2)
      for (const { headers, url } of wire.reads) {
        t.match(headers['user-agent'], /\bpurser\/\d+\.\d+\.\d+/, url)
      }
    })

    suite.test(
      'each request to the peer is shown, so that it can carry a traceparent',
      async (t) => {
        const given = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
        const text = wrapped(subject, 'traced')
        const wire = await openWire(t, fake.dialect, { read: 'found', text })
        const route = createRoute(
          undefined,
          () => undefined,
          (request) => {
            request.setHeader('traceparent', given)
          }
        )
        const provider = await fake.connect(t, wire, createDeps({}, { route }))
        t.teardown(() => provider.close())
        await provider.read(locator, within())
        await provider.check(within())
        t.ok(wire.reads.length >= 2)
        for (const { headers, url } of wire.reads) t.equal(headers['traceparent'], given, url)
      }
    )

    suite.test('a peer whose authority the store names is read over TLS', async (t) => {
      const text = wrapped(subject, 'over TLS')
      const { provider } = await open(t, { read: 'known CA', text })
      const record = await provider.read(locator, within())
      t.equal(unwrapped(subject, record), 'over TLS')
    })

    for (const failure of FAILURES) {
      const { when, behaviour, reason, retryAfterSeconds } = failure
      suite.test(`${reason} when ${when}`, async (t) => {
        const canary = createCanary()
        const { provider, wire, hides } = await open(
          t,
          behaviour(canary.token, wrapped(subject, canary.token)),
          canary
        )
        const passed = startStopwatch()
        const fault = await faultOf(provider.read(locator, within(deadlineFor(reason))))
        const took = passed()
        t.equal(fault.reason, reason)
        // Any other reason says by itself that it came before the deadline.
        if (reason === 'timeout') {
          t.ok(took < DEADLINE_MS + GRACE_AFTER_DEADLINE_MS, `settled after ${took} ms`)
        }
        t.equal(fault.retryAfterSeconds, retryAfterSeconds)
        t.equal(fault.cause, undefined)
        t.ok(wire.reads.length <= 2, `a read is tried twice at most, not ${wire.reads.length}`)
        t.equal(wire.elsewhere.length, 0, 'nothing is sent to another host')
        if (when.includes('certificate')) {
          const { host } = new URL(wire.url)
          const asked = [...wire.reads, ...wire.logins].map(
            ({ headers }) => headers.host ?? headers[':authority']
          )
          t.notOk(asked.includes(host), 'whoever answers there is told nothing')
        }
        t.ok(wire.poured() <= MOST_TAKEN_BYTES, `${wire.poured()} bytes were taken`)
        hides(fault)
      })
    }

    suite.test('an expired credential is renewed once, and the read goes on', async (t) => {
      const text = wrapped(subject, 'after the login')
      const { provider, wire } = await open(t, { read: 'expired once', text })
      const record = await provider.read(locator, within())
      t.equal(unwrapped(subject, record), 'after the login')
      t.equal(wire.logins.length, 2)
      const [stale, renewed] = wire.reads.map(fake.dialect.credentialOf)
      t.type(stale, 'string')
      t.type(renewed, 'string')
      t.not(stale, renewed)
    })

    suite.test(
      'a credential that stays expired is renewed once a read, not for ever',
      async (t) => {
        const { provider, wire } = await open(t, { read: 'expired', text: 'x' })
        await faultOf(provider.read(locator, within()))
        t.equal(wire.logins.length, 2)
        t.equal(wire.reads.length, 2)
      }
    )

    suite.test('a refused login is not tried again for each reference', async (t) => {
      const canary = createCanary()
      const behaviour = { read: 'refused login', message: canary.token } as const
      const { provider, wire, hides } = await open(t, behaviour, canary)
      for (let i = 0; i < 30; i++) {
        const path = subject.path(`some/secret-${i}`)
        const fault = await faultOf(provider.read({ path }, within()))
        t.match(fault, { reason: 'denied', isRefusal: true })
        hides(fault)
      }
      t.equal((await faultOf(provider.check(within()))).reason, 'denied')
      const logsIn = fake.dialect.refusedLogin !== undefined
      // Where a login is no call to the peer, the first read is made once more with a credential that was found anew.
      t.strictSame([logsIn ? wire.logins.length : 0, wire.reads.length], logsIn ? [1, 0] : [0, 2])
    })

    suite.test('a refusal that is remembered ends as soon as the operator says so', async (t) => {
      const behaviour = { read: 'refused login', message: 'no' } as const
      const { provider, wire, deps, later } = await open(t, behaviour)
      // What keeps a credential ready may be asked again; the peer is not.
      const logsIn = fake.dialect.refusedLogin !== undefined
      const count = () => (logsIn ? wire.logins : wire.reads).length
      await faultOf(provider.read(locator, within()))
      const first = count()
      later(3_000)
      await faultOf(provider.read(locator, within()))
      t.equal(count(), first, 'the same credential waits')
      t.match(deps.logins.state(), { state: 'refused', attempts: 1, reason: 'denied' })
      deps.logins.forget()
      later(3_000)
      await faultOf(provider.read(locator, within()))
      t.ok(count() > first)
    })

    suite.test('a read settles as a timeout soon after it is aborted', async (t) => {
      for (const read of ['silent', 'stalled'] as const) {
        const text = wrapped(subject, 'slow')
        const behaviour: WireBehaviour = read === 'silent' ? { read } : { read, text }
        const { provider, wire } = await open(t, behaviour)
        const abort = new AbortController()
        const fault = faultOf(provider.read(locator, { signal: abort.signal }))
        while (wire.reads.length === 0) await sleep(5)
        await sleep(50)
        const passed = startStopwatch()
        abort.abort()
        t.equal((await fault).reason, 'timeout')
        const took = passed()
        t.ok(took < GRACE_AFTER_ABORT_MS, `${read}: settled ${took} ms after the abort`)
      }
    })

    suite.test('a read that is aborted before it starts asks nobody', async (t) => {
      const text = wrapped(subject, 'unasked')
      const { provider, wire } = await open(t, { read: 'found', text })
      const fault = await faultOf(provider.read(locator, { signal: AbortSignal.abort() }))
      t.equal(fault.reason, 'timeout')
      t.equal(wire.reads.length, 0)
    })

    suite.test('check tells reachable, denied, refused and silent apart', async (t) => {
      const text = wrapped(subject, 'checked')
      await (await open(t, { read: 'found', text })).provider.check(within())
      const canary = createCanary()
      const deniedCase = [{ read: 'denied', message: canary.token }, 'denied'] as const
      const cases: readonly (readonly [WireBehaviour, FaultReason])[] = [
        ...(fake.checkLists ? [] : [deniedCase]),
        [{ read: 'refused' }, 'unavailable'],
        [{ read: 'silent' }, 'timeout']
      ]
      if (fake.checkLists) await (await open(t, deniedCase[0])).provider.check(within())
      for (const [behaviour, reason] of cases) {
        const { provider, hides } = await open(t, behaviour, canary)
        const fault = await faultOf(provider.check(within(deadlineFor(reason))))
        t.equal(fault.reason, reason, behaviour.read)
        hides(fault)
      }
    })

    suite.test('concurrent reads are all answered', async (t) => {
      const text = wrapped(subject, 'for all')
      const { provider, wire } = await open(t, { read: 'found', text })
      const records = await Promise.all(
        Array.from({ length: 50 }, () => provider.read(locator, within()))
      )
      t.ok(records.every((record) => unwrapped(subject, record) === 'for all'))
      t.equal(wire.reads.length, 50)
      t.ok(wire.logins.length <= 1, `50 reads need one login, not ${wire.logins.length}`)
    })

    suite.test('it may be closed twice, and its connections end', async (t) => {
      const text = wrapped(subject, 'closed')
      const { provider, wire } = await open(t, { read: 'found', text })
      await provider.read(locator, within())
      await provider.close()
      await provider.close()
      const patience = AbortSignal.timeout(PATIENCE_MS)
      while (!patience.aborted && (await wire.connections()) > 0) await sleep(10)
      t.equal(await wire.connections(), 0)
    })
  })
}
