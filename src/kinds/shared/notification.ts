/**
 * What the notifications of all clouds have in common. Rule: a notification only names secrets; it can cost an
 * invalidation and nothing more.
 */
import type { Locator } from '../../core/secret.ts'
import type { NamedStore } from '../../core/store-address.ts'
import type { GoogleTokenCheck } from '../../crypto/google-token.ts'
import type { Log } from '../provider.ts'

export interface Delivery {
  /** Parsed JSON. */
  readonly body: unknown
  readonly authorization?: string | undefined
}

/** What `events:` of a store says: how its notifications are proven. */
export type EventProof = Readonly<Record<string, unknown>>

/** The store that a delivery is for. */
export interface Addressee extends NamedStore {
  readonly events?: EventProof | undefined
}

/**
 * Why an event is left alone: its type says nothing of a secret's value or tags; it names a secret of elsewhere, or
 * none.
 */
export type Ignored = 'type' | 'foreign' | 'malformed'

export interface Heard {
  readonly secrets: readonly Locator[]
  readonly ignored: readonly Ignored[]
  /** The handshake of Event Grid wants its code back. */
  readonly validationResponse?: string
}

/** What one event names: a secret of the store, or why not. */
export type Named = Locator | Ignored

/** Events in one delivery, and paths in the simple form. */
export const EVENTS_MAX = 100

export const NOTHING_HEARD: Heard = { secrets: [], ignored: [] }

/** Reads the text of a reference against the one store. */
export type NameIn = (store: NamedStore, text: string) => Named

export interface EventTools {
  readonly nameIn: NameIn
  readonly isGoogleToken: GoogleTokenCheck
  readonly fetch: typeof fetch
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly log: Log
}

/** What a delivery names; undefined for one of another form. Rejects with `access_denied` for what is not proven. */
export type Hear = (
  store: Addressee,
  delivery: Delivery
) => Heard | undefined | Promise<Heard | undefined>

/** Each secret once, however often it is named. */
export const heard = (named: readonly Named[]): Heard => {
  const secrets = new Map<string, Locator>()
  for (const one of named) {
    if (typeof one !== 'string') secrets.set(one.nativeId ?? one.path, one)
  }
  return {
    secrets: [...secrets.values()],
    ignored: named.filter((one) => typeof one === 'string')
  }
}
