/**
 * The clouds' notifications: whose they are, what they name, and then the invalidation. Rule: a notification can cost an
 * invalidation and nothing more; it is proven in its own way where the store says how, and otherwise by the internal secret.
 */
import { ProblemError } from '../core/problem.ts'
import { formatReference } from '../core/reference.ts'
import type { GoogleTokenCheck } from '../crypto/google-token.ts'
import type { AwsAddress } from '../kinds/aws/address.ts'
import type { AzureAddress } from '../kinds/azure/forms.ts'
import type { StoreKind } from '../kinds/catalog.ts'
import type { Log } from '../kinds/provider.ts'
import type { Broker } from '../secrets/broker.ts'
import type { Door, Rules } from '../secrets/caller.ts'
import { denied } from '../secrets/decision.ts'
import { createRecorder, type RecorderOptions } from '../secrets/record.ts'
import { hearEventBridge } from './aws.ts'
import { hearEventGrid, isEventGrid } from './event-grid.ts'
import { type Addressee, type Delivery, type Heard, NOTHING } from './notification.ts'
import { bearerIn, hearPubSub, isPubSubPush } from './pubsub.ts'
import { hearSimple } from './simple.ts'
import { createSns, isSnsMessage, resemblesSns, type SnsMessage } from './sns.ts'

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
  readonly receive: (door: Door, store: string, delivery: Delivery) => Promise<Received>
  /** The handshake of CloudEvents: resolves if the sender is welcome. Rejects with `access_denied`. */
  readonly welcome: (door: Door, store: string, origin: string) => Promise<void>
}

type Hear = (store: Addressee, delivery: Delivery) => Heard | undefined | Promise<Heard | undefined>

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export const createReceiver = (options: ReceiverOptions): Receiver => {
  const { rules, invalidate, isGoogleToken, log } = options
  const recorder = createRecorder(options)
  const sns = createSns(options)

  const hearSns = async (store: Addressee, address: AwsAddress, given: SnsMessage) => {
    await sns.verify(address, store.events?.snsTopics, given)
    if (given.Type === 'SubscriptionConfirmation') {
      await sns.confirm(address, given)
      log('info', 'a subscription to an SNS topic was confirmed', { store: store.name })
    }
    if (given.Type !== 'Notification') return NOTHING
    const event = hearEventBridge(store, address, parsed(given.Message))
    return event ?? { secrets: [], ignored: ['malformed' as const] }
  }

  const hearAws: Hear = (store, { body }) => {
    const { address, events } = store
    const aws = address as AwsAddress
    if (isSnsMessage(body)) return hearSns(store, aws, body)
    if (events?.snsTopics !== undefined || resemblesSns(body)) throw denied('unproven')
    return hearEventBridge(store, aws, body)
  }

  const hearAzure: Hear = (store, { body }) =>
    hearEventGrid(store, store.address as AzureAddress, body)

  const hearGcp: Hear = async (store, { body, authorization }) => {
    const { audience, serviceAccount } = store.events ?? {}
    const isExpected = audience !== undefined && serviceAccount !== undefined
    if (!isPubSubPush(body)) {
      if (isExpected) throw denied('unproven')
      return undefined
    }
    const token = bearerIn(authorization)
    if (!isExpected || token === '') throw denied('unproven')
    if (!(await isGoogleToken(token, { audience, serviceAccount }))) throw denied('forged')
    return hearPubSub(store, body)
  }

  const nothingOfItsOwn: Hear = () => undefined
  const HEARS: Readonly<Record<StoreKind, Hear>> = {
    'aws-secrets-manager': hearAws,
    'azure-key-vault': hearAzure,
    'gcp-secret-manager': hearGcp,
    vault: nothingOfItsOwn,
    kubernetes: nothingOfItsOwn,
    'onepassword-connect': nothingOfItsOwn,
    local: nothingOfItsOwn
  }

  const addressee = (name: string): Addressee => {
    const store = rules().stores.get(name)
    if (store === undefined) throw denied('unknown_store')
    return store.spec
  }

  const hear = async (store: Addressee, delivery: Delivery): Promise<Heard> => {
    const heard =
      (await HEARS[store.address.kind as StoreKind](store, delivery)) ??
      hearSimple(store, delivery.body)
    if (heard !== undefined) return heard
    throw new ProblemError('invalid_request', { errors: [{ pointer: '/body', rule: 'event' }] })
  }

  return {
    receive: async (door, name, delivery) => {
      let heard: Heard
      try {
        heard = await hear(addressee(name), delivery)
      } catch (error) {
        throw await recorder.failed(door, 'event.receive', undefined, error)
      }
      const { secrets, ignored, validationResponse } = heard
      tellIgnored(log, name, heard)
      const reason = `store ${name}: ${secrets.length} named, ${ignored.length} ignored`
      await recorder.allowed(door, 'event.receive', undefined, { reason })
      const all = await Promise.all(
        secrets.map(({ path, ...native }) =>
          invalidate(door, { ref: formatReference({ store: name, path }), ...native })
        )
      )
      return {
        invalidated: secrets.length,
        ignored: ignored.length,
        ...(all.some(({ pending }) => pending) && { pending: true as const }),
        ...(validationResponse !== undefined && { validationResponse })
      }
    },

    welcome: async (door, name, origin) => {
      try {
        if (addressee(name).address.kind !== 'azure-key-vault' || !isEventGrid(origin)) {
          throw denied('foreign_origin')
        }
      } catch (error) {
        throw await recorder.failed(door, 'event.receive', undefined, error)
      }
    }
  }
}

/** Types that say nothing of a secret come with every subscription; what names another secret is set up wrongly. */
const tellIgnored = (log: Log, store: string, { ignored }: Heard): void => {
  for (const why of ['foreign', 'malformed'] as const) {
    const count = ignored.filter((one) => one === why).length
    if (count > 0) log('warn', 'events that name no secret of the store', { store, why, count })
  }
}
