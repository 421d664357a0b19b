/**
 * The further powers against a peer that fails on demand. Rule: each fails as a read fails, and of a text that was on its
 * way to the peer nothing shows either; a write whose outcome is unknown is repeated only where the peer takes both for one.
 */
import { test } from 'tap'
import { ProviderFault } from '../../src/core/fault.ts'
import { Sensitive } from '../../src/core/secret.ts'
import type { CallOptions, SecretProvider } from '../../src/kinds/provider.ts'
import { type Canary, createCanary } from '../support/canary.ts'
import { startStopwatch } from '../support/stopwatch.ts'
import type { Wire } from '../support/wire.ts'
import { openOn } from './opened.ts'
import {
  type Powers,
  powersOf,
  type Subject,
  saidPowers,
  type WireFake,
  within,
  wrapped
} from './subject.ts'
import { FAILURES, type Failure } from './wire-failures.ts'

/** Short where it is to run out; by then everything else has settled too, but for what a busy machine takes. */
const settledBy = ({ reason }: Failure): number => (reason === 'timeout' ? 300 : 2_000)
const deadlineFor = ({ reason }: Failure): number => (reason === 'timeout' ? 300 : 10_000)
const GRACE_AFTER_DEADLINE_MS = 200

type Call = (
  provider: SecretProvider,
  subject: Subject,
  canary: Canary,
  options: CallOptions
) => Promise<unknown> | undefined

/** How each power is used here; `text` in a behaviour and what is written hold the same canary. */
const CALLS: Readonly<Record<keyof Powers, Call>> = {
  write: ({ write }, subject, { token }, options) =>
    write?.({ path: subject.path('some/secret') }, new Sensitive(wrapped(subject, token)), options),
  list: ({ list }, { powers }, _, options) =>
    list?.(powers?.list?.prefix('some') ?? '', { limit: 10 }, options),
  readMany: async ({ readMany }, { path }, _, options) => {
    const names = ['some/secret', 'some/other']
    const answers = await readMany?.(
      names.map((name) => ({ path: path(name) })),
      options
    )
    // Faults are results there: all the same, and so as good as thrown.
    const [first] = answers ?? []
    if (first instanceof ProviderFault) throw first
    return answers
  },
  readTags: ({ readTags }, { path }, _, options) =>
    readTags?.({ path: path('some/secret') }, options)
}

/** Of a prefix below which nothing stands a peer may say "not found", and mean an empty list. */
const isDue = (power: keyof Powers, { reason }: Failure): boolean =>
  power !== 'list' || reason !== 'not_found'

/** Whether the peer may have done what it was asked to. */
const isUnknown = ({ reason }: Failure): boolean =>
  reason === 'unavailable' || reason === 'timeout' || reason === 'invalid_answer'

export const wirePowersSuite = (kind: string, subject: Subject, fake: WireFake): void => {
  const { powers = {} } = subject

  /** The requests that carried the text: of a body that is no text a character is a byte (`WireRequest`). */
  const writesIn = ({ reads }: Wire, canary: Canary): readonly string[] =>
    reads
      .map(({ body }) => body)
      .filter((body) => canary.findIn(`${body}\n${Buffer.from(body, 'latin1')}`).length > 0)

  test(`${kind} and its further powers against a server that may fail`, async (suite) => {
    suite.test('it has the powers that it is said to have, and no other', async (t) => {
      const { provider } = await openOn(t, fake, { read: 'found', text: 'x' }, createCanary())
      t.strictSame(powersOf(provider), saidPowers(subject))
    })

    for (const power of Object.keys(powers) as (keyof Powers)[]) {
      for (const failure of FAILURES.filter((failure) => isDue(power, failure))) {
        const { when, behaviour, reason, retryAfterSeconds } = failure
        suite.test(`${power}: ${reason} when ${when}`, async (t) => {
          const canary = createCanary()
          const text = wrapped(subject, canary.token)
          const { provider, wire, hides } = await openOn(
            t,
            fake,
            behaviour(canary.token, text),
            canary
          )
          const deadline = deadlineFor(failure)
          const passed = startStopwatch()
          const fault = await CALLS[power](provider, subject, canary, within(deadline))?.then(
            () => undefined,
            (thrown: unknown) => thrown
          )
          const took = passed()
          if (!(fault instanceof ProviderFault)) throw new Error('a ProviderFault was due')
          t.equal(fault.reason, reason)
          t.equal(fault.retryAfterSeconds, retryAfterSeconds)
          t.equal(fault.cause, undefined)
          t.ok(took < settledBy(failure) + GRACE_AFTER_DEADLINE_MS, `settled after ${took} ms`)
          t.equal(wire.elsewhere.length, 0, 'nothing is sent to another host')
          hides(fault)
          if (power !== 'write') return
          const writes = writesIn(wire, canary)
          const isOnce = isUnknown(failure) && powers.write?.isIdempotent !== true
          t.ok(writes.length <= (isOnce ? 1 : 2), `written ${writes.length} times`)
          t.ok(new Set(writes).size <= 1, 'a write is repeated as it was')
        })
      }

      suite.test(`${power} renews an expired credential once, and goes on`, async (t) => {
        const canary = createCanary()
        const text = wrapped(subject, canary.token)
        const { provider, wire, hides } = await openOn(
          t,
          fake,
          { read: 'expired once', text },
          canary
        )
        hides(await CALLS[power](provider, subject, canary, within()))
        t.equal(wire.logins.length, 2)
      })

      suite.test(`${power} asks nobody if it is aborted before it starts`, async (t) => {
        const canary = createCanary()
        const text = wrapped(subject, canary.token)
        const { provider, wire } = await openOn(t, fake, { read: 'found', text }, canary)
        const aborted = { signal: AbortSignal.abort() }
        await t.rejects(CALLS[power](provider, subject, canary, aborted) ?? Promise.resolve(), {
          name: 'ProviderFault',
          reason: 'timeout'
        })
        t.equal(wire.reads.length, 0)
      })
    }

    if (powers.write !== undefined) {
      suite.test('a write goes out once, with the text in its body and nowhere else', async (t) => {
        const canary = createCanary()
        const { provider, wire, hides } = await openOn(
          t,
          fake,
          { read: 'found', text: '{}' },
          canary
        )
        hides(await CALLS.write(provider, subject, canary, within()))
        t.equal(writesIn(wire, canary).length, 1)
        const heads = wire.reads.map(({ url, headers }) => `${url} ${JSON.stringify(headers)}`)
        t.strictSame(canary.findIn(heads.join('\n')), [])
      })
    }
  })
}
