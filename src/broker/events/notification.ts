/**
 * What all notifications have in common: from a delivery to paths of the store. Rule: a notification only names; what it
 * names is read as any reference is, against that one store, and what leads elsewhere is counted and left alone.
 */
import { familyOf } from '../../cache/origin.ts'
import { createReferenceBook, parseReference } from '../../core/reference.ts'
import type { NamedStore } from '../../core/store-address.ts'
import type { EventProof } from './proof.ts'

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
  readonly paths: readonly string[]
  readonly ignored: readonly Ignored[]
  /** The handshake of Event Grid wants its code back. */
  readonly validationResponse?: string
}

/** What one event names: a path of the store, or why not. */
export type Named = { readonly path: string } | Ignored

/** Events in one delivery, and paths in the simple form. */
export const EVENTS_MAX = 100

export const NOTHING: Heard = { paths: [], ignored: [] }

/** Reads the text of a reference against the one store. */
export const nameIn = (store: NamedStore, text: string): Named => {
  try {
    const reference = parseReference(text, createReferenceBook([store], new Map()))
    return reference === undefined ? 'foreign' : { path: reference.path }
  } catch {
    return 'malformed'
  }
}

/** Each secret once, however often and in whatever spelling it is named. */
export const heard = (named: readonly Named[]): Heard => {
  const paths = new Map<string, string>()
  for (const one of named) {
    if (typeof one !== 'string' && !paths.has(familyOf(one.path))) {
      paths.set(familyOf(one.path), one.path)
    }
  }
  return {
    paths: [...paths.values()],
    ignored: named.filter((one) => typeof one === 'string')
  }
}
