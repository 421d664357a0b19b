/**
 * The kinds of objects that are configured in `purser.yaml` or at run time. Rule: a kind is a row here; how it is kept,
 * changed and recorded is the same for all.
 */
import {
  type Configuration,
  type ConfigurationKind,
  type ObjectFault,
  objectFault,
  parseConfiguration,
  strayReferences
} from '../core/bot.ts'
import type { ReferenceBook } from '../core/reference.ts'

/** What stands under a kind's name in `purser.yaml`, in the state and in URLs. */
export interface ObjectTypes {
  readonly bots: Configuration
  readonly providers: Configuration
}
export type ObjectKind = keyof ObjectTypes

/** What an object may refer to. */
export interface Around {
  readonly book: ReferenceBook
  readonly has: (kind: ObjectKind, name: string) => boolean
  readonly all: <K extends ObjectKind>(kind: K) => readonly ObjectTypes[K][]
}

export interface Shown {
  readonly name: string
  readonly displayName?: string
  readonly type?: string
  readonly provider?: string
  /** Their keys. */
  readonly credentials: readonly string[]
}

interface KindRow<T> {
  /** One of them, as the record and the operations call it. */
  readonly word: string
  /** An object as it was written, with its name in it, and what is wrong with it by itself. */
  readonly parse: (value: unknown) => {
    readonly object: T
    readonly faults: readonly ObjectFault[]
  }
  /** What is wrong with what it refers to. */
  readonly check: (object: T, around: Around) => readonly ObjectFault[]
  /** What an administrator may see of it: never a credential. */
  readonly show: (object: T) => Shown
  /** Whether another object would be left without it. */
  readonly isNeeded: (name: string, around: Around) => boolean
}

const parse = (kind: ConfigurationKind) => (value: unknown) => {
  const { configuration, faults } = parseConfiguration(kind, value)
  return { object: configuration, faults }
}

const show = ({ credentials, ...shown }: Configuration): Shown => ({
  ...shown,
  credentials: [...credentials.keys()]
})

export const OBJECT_KINDS: { readonly [K in ObjectKind]: KindRow<ObjectTypes[K]> } = {
  providers: {
    word: 'provider',
    parse: parse('provider'),
    check: ({ credentials }, { book }) => strayReferences(credentials, book),
    show,
    isNeeded: (name, { all }) => all('bots').some(({ provider }) => provider === name)
  },
  bots: {
    word: 'bot',
    parse: parse('bot'),
    check: ({ provider, credentials }, { book, has }) => [
      ...(provider === undefined || has('providers', provider)
        ? []
        : [objectFault('invalid_request', ['provider'], 'unknown_provider')]),
      ...strayReferences(credentials, book)
    ],
    show,
    isNeeded: () => false
  }
}

export const objectKinds = Object.keys(OBJECT_KINDS) as readonly ObjectKind[]
