/**
 * What the contract suite has to know of a kind of store, and the few words that its cases share. Rule: a kind is
 * described, never asked for by name; no case branches on it.
 */
import type { Test } from 'tap'
import { ProviderFault } from '../../src/core/fault.ts'
import type { SecretRecord } from '../../src/core/secret.ts'
import type { ProviderDeps, SecretProvider } from '../../src/kinds/provider.ts'
import { everythingIn } from '../support/canary.ts'
import type { Dialect, Wire } from '../support/wire.ts'

export interface Subject {
  /** A path as this kind writes it, e.g. with the mount or the namespace before the name. */
  readonly path: (name: string) => string
  /** Names with every special character that this kind allows in a path. */
  readonly specialNames: readonly string[]
  /** What this kind stores: any text, only JSON objects of fields, or only such whose fields are texts. */
  readonly stores: 'texts' | 'objects' | 'objects of texts'
  readonly storesEmptyText: boolean
  readonly largestTextBytes: number
  /** A version as this kind writes it, which no secret has; undefined for a kind without versions. */
  readonly absentVersion?: string
  /** What this kind can do besides reading. Its provider must have these powers and no other. */
  readonly powers?: Powers
  readonly real?: RealPeer
  readonly wire?: WireFake
}

/** One member for each power, so that a kind opts in to the cases of each. */
export interface Powers {
  readonly write?: {
    /** What becomes of a write to a secret that does not exist. */
    readonly toMissing: 'is created' | 'not_found'
    /** Bytes of a text that this kind refuses for its size; undefined where it takes what its peer takes. */
    readonly tooLargeBytes?: number
    readonly comparesVersions?: true
    /** A write whose outcome is unknown may be sent again, unchanged, since the peer takes the two for one. */
    readonly isIdempotent?: true
    /** Where nothing changes there is no new version. */
    readonly keepsVersionOfSame?: true
  }
  readonly list?: {
    /** How a prefix is written that holds what is named below the name; ends in `/`, or is empty where names are flat. */
    readonly prefix: (name: string) => string
    /** A cursor which no listing gave, and which the provider can tell to be none. */
    readonly forgedCursor?: string
    /** What is deleted and could be brought back is listed still, and a read says that it is not found. */
    readonly showsDeleted?: true
  }
  readonly readMany?: true
  readonly readTags?: true
}

/** A real server, or for an embedded store the store itself. */
export interface RealPeer {
  /** True, or which peer is missing. */
  readonly available: () => Promise<true | string>
  readonly open: (t: Test) => Promise<RealStore>
}

export interface RealStore {
  readonly provider: SecretProvider
  /** Writes a new version by the peer's own means. */
  readonly seed: (path: string, text: string) => Promise<{ readonly version: string }>
  readonly seedBinary?: (path: string, bytes: Buffer) => Promise<{ readonly version: string }>
  /** Deletes so that the peer could still bring it back, where it can do that. */
  readonly remove?: (path: string) => Promise<void>
  /** Gives a secret that exists these tags and no other. */
  readonly tag?: (path: string, tags: Readonly<Record<string, string>>) => Promise<void>
}

/** A kind that reads over HTTP: how its peer talks, and how to connect the provider to the server that imitates it. */
export interface WireFake {
  readonly dialect: Dialect
  /** The peer refuses to list to whom it knows and lets read: a check takes that refusal for good health. */
  readonly checkLists?: true
  readonly connect: (t: Test, wire: Wire, deps: ProviderDeps) => Promise<SecretProvider>
}

/** Each power is tested because a kind says that it has it: this keeps what it says true. */
export const saidPowers = ({ powers = {} }: Subject): string[] =>
  [
    ...Object.keys(powers),
    ...(powers.write?.comparesVersions === true ? ['comparesVersions'] : [])
  ].sort()

export const powersOf = (provider: SecretProvider): string[] =>
  (['comparesVersions', 'list', 'readMany', 'readTags', 'write'] as const).filter(
    (power) => provider[power] !== undefined
  )

/** The options of a call that has so many milliseconds. */
export const within = (ms = 5_000) => ({ signal: AbortSignal.timeout(ms) })

/** The fault of a promise that has to fail; anything else but a `ProviderFault` ends the test. */
export const faultOf = async (promise: Promise<unknown>): Promise<ProviderFault> => {
  const outcome = await promise.then(
    () => new Error('it was answered, where a fault was due'),
    (error: unknown) => error
  )
  if (outcome instanceof ProviderFault) return outcome
  throw new Error(`not a ProviderFault: ${everythingIn(outcome)}`)
}

/** The text as this kind can store it. */
export const wrapped = (subject: Subject, text: string): string =>
  subject.stores === 'texts' ? text : JSON.stringify({ value: text })

/** The text that `wrapped` was given. */
export const unwrapped = (subject: Subject, { text }: SecretRecord): unknown =>
  subject.stores === 'texts' ? text.reveal() : JSON.parse(text.reveal()).value
