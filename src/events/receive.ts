/**
 * The clouds' notifications: whose they are, what they name, and then the invalidation. Rule: a notification can cost
 * an invalidation and nothing more; it is proven in its own way where the store says how, and otherwise by the internal
 * secret.
 */
import { createRecorder, type RecorderOptions } from '../audit/recorder.ts'
import type { Arrival } from '../core/caller.ts'
import { denied, ProblemError } from '../core/problem.ts'
import { formatReference } from '../core/reference.ts'
import type { GoogleTokenCheck } from '../crypto/google-token.ts'
import { catalog } from '../kinds/catalog.ts'
import type { Log } from '../kinds/provider.ts'
import type { Addressee, Delivery, Heard } from '../kinds/shared/notification.ts'
import type { Broker } from '../secrets/broker.ts'
import type { StoreSpec } from '../secrets/stores.ts'
import type { Rules } from '../secrets/terms.ts'
import { nameIn } from './notification.ts'
import { hearSimple } from './simple.ts'

export interface ReceiverOptions extends RecorderOptions {
  readonly rules: () => Rules
  readonly invalidate: Broker['invalidate']
  readonly isGoogleToken: GoogleTokenCheck
  /** For what SNS publishes. */
  readonly fetch: typeof fetch
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface Received {
  readonly invalidated: number
  readonly ignored: number
  /** The other replicas do not know yet: they will once the shared state answers again. */
  readonly pending?: true
  readonly validationResponse?: string
}

export interface Receiver {
  /** Rejects with a ProblemError. */
  readonly receive: (arrival: Arrival, store: string, delivery: Delivery) => Promise<Received>
  /** The handshake of CloudEvents: resolves if the sender is welcome. Rejects with `access_denied`. */
  readonly welcome: (arrival: Arrival, store: string, origin: string) => Promise<void>
}

export const createReceiver = (options: ReceiverOptions): Receiver => {
  const { rules, invalidate, log } = options
  const recorder = createRecorder(options)
  const tools = { ...options, nameIn }
  const hears = new Map(catalog.map(({ kind, events }) => [kind, events?.listen(tools)]))

  const addressee = (name: string): StoreSpec => {
    const store = rules().stores.get(name)
    if (store === undefined) throw denied('unknown_store')
    return store.spec
  }

  const hear = async (store: Addressee, delivery: Delivery): Promise<Heard> => {
    const own = await hears.get(store.address.kind)?.(store, delivery)
    const heard = own ?? hearSimple(store, delivery.body)
    if (heard !== undefined) return heard
    throw new ProblemError('invalid_request', { errors: [{ pointer: '/body', rule: 'event' }] })
  }

  return {
    receive: async (arrival, name, delivery) => {
      let heard: Heard
      try {
        heard = await hear(addressee(name), delivery)
      } catch (error) {
        throw await recorder.failed(arrival, 'event.receive', undefined, error)
      }
      const { secrets, ignored, validationResponse } = heard
      tellIgnored(log, name, heard)
      const reason = `store ${name}: ${secrets.length} named, ${ignored.length} ignored`
      await recorder.allowed(arrival, 'event.receive', undefined, { reason })
      const all = await Promise.all(
        secrets.map(({ path, ...native }) =>
          invalidate(arrival, { ref: formatReference({ store: name, path }), ...native })
        )
      )
      return {
        invalidated: secrets.length,
        ignored: ignored.length,
        ...(all.some(({ pending }) => pending) && { pending: true as const }),
        ...(validationResponse !== undefined && { validationResponse })
      }
    },

    welcome: async (arrival, name, origin) => {
      try {
        const { plugin } = addressee(name)
        if (plugin.events?.isWelcome?.(origin) !== true) throw denied('foreign_origin')
      } catch (error) {
        throw await recorder.failed(arrival, 'event.receive', undefined, error)
      }
    }
  }
}

/**
 * Types that say nothing of a secret come with every subscription. A notification that names something else was set up
 * wrongly.
 */
const tellIgnored = (log: Log, store: string, { ignored }: Heard): void => {
  for (const why of ['foreign', 'malformed'] as const) {
    const count = ignored.filter((one) => one === why).length
    if (count > 0) log('warn', 'events that name no secret of the store', { store, why, count })
  }
}
