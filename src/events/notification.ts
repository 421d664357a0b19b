/**
 * What all notifications have in common: from a delivery to secrets of the store. Rule: a notification only names; what it
 * names is read as any reference is, against that one store, and what leads elsewhere is counted and left alone.
 */
import { parseReference } from '../core/reference.ts'
import type { Locator } from '../core/secret.ts'
import type { NamedStore } from '../core/store-address.ts'
import { createReferenceBook } from '../kinds/references.ts'
import type { EventProof } from '../secrets/proof.ts'

export interface Delivery {
  /** Parsed JSON. */
  readonly body: unknown
  readonly authorization?: string | undefined
}

/** The store that a delivery is for. */
export interface Addressee extends NamedStore {
  readonly events?: EventProof | undefined
}

/** Why an event is left alone: its type says nothing of a secret's value or tags; it names a secret of elsewhere, or none. */
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

export const NOTHING: Heard = { secrets: [], ignored: [] }

/** Reads the text of a reference against the one store. */
export const nameIn = (store: NamedStore, text: string): Named => {
  try {
    const reference = parseReference(text, createReferenceBook([store], new Map()))
    if (reference === undefined) return 'foreign'
    const { path, nativeId } = reference
    return { path, ...(nativeId !== undefined && { nativeId }) }
  } catch {
    return 'malformed'
  }
}

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
