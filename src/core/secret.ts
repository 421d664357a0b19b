/**
 * Secret values and the wrapper that keeps them out of logs. Rule: a value is `Sensitive` from the provider to the
 * one place that writes it into an answer or an envelope; whatever prints, serialises or inspects it sees `[redacted]`.
 */
import { inspect } from 'node:util'

const REDACTED = '[redacted]'

export class Sensitive<T> {
  readonly #value: T

  constructor(value: T) {
    this.#value = value
  }

  /** The only way out. Every call is a place to review. */
  reveal(): T {
    return this.#value
  }

  toString(): string {
    return REDACTED
  }

  toJSON(): string {
    return REDACTED
  }

  [inspect.custom](): string {
    return REDACTED
  }
}

/** What a provider reads by: the canonical path in its store and, if the caller asked for one, a version. */
export interface Locator {
  readonly path: string
  readonly version?: string
  /** The peer's own identifier where the caller wrote one that the path alone cannot give back (a full AWS ARN). */
  readonly nativeId?: string
}

/** A secret as a store holds it: its whole text, not yet split into fields. */
export interface SecretRecord {
  /** The secret's text; bytes that are not UTF-8 come as base64 and say so in `encoding`. */
  readonly text: Sensitive<string>
  /** The store's own name of the version that was read. */
  readonly version: string
  readonly encoding?: 'base64'
  /** The fields of a secret's object that are bytes as base64; any other field is a text, whatever it looks like. */
  readonly encodings?: ReadonlyMap<string, 'base64'>
  /** The secret's tags or labels, where the store tells them together with the text; see `SecretProvider.readTags`. */
  readonly tags?: Tags
}

/** Not every store names its versions: the texts tell, too. */
export const isSameSecret = (a: SecretRecord, b: SecretRecord): boolean =>
  a.version === b.version && a.text.reveal() === b.text.reveal()

/** Tags (AWS, Azure), labels (GCP, Kubernetes) or custom metadata (Vault) of a secret. */
export type Tags = ReadonlyMap<string, string>
