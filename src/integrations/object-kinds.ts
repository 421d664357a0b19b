/**
 * The kinds of objects that are configured in `purser.yaml` or at run time. Rule: a kind is a row here; how it is kept,
 * changed and recorded is the same for all.
 */
import { type ChannelSpec, parseChannel, straySecrets } from '../core/channel.ts'
import { type ObjectFault, objectFault } from '../core/object-fault.ts'
import type { ReferenceBook } from '../core/reference.ts'
import {
  type Configuration,
  type ConfigurationKind,
  parseConfiguration,
  strayReferences
} from './bot-form.ts'

/** What stands under a kind's name in `purser.yaml`, in the state and in URLs. */
export interface ObjectTypes {
  readonly bots: Configuration
  readonly providers: Configuration
  readonly channels: ChannelSpec
}
export type ObjectKind = keyof ObjectTypes

/** By kind and name. */
export type ObjectMaps = { readonly [K in ObjectKind]: Map<string, ObjectTypes[K]> }
export const noObjects = (): ObjectMaps => ({
  providers: new Map(),
  bots: new Map(),
  channels: new Map()
})

/** What an object may refer to. */
export interface Around {
  /** Undefined where a store is itself at fault: what leads to it would only repeat that. */
  readonly book: ReferenceBook | undefined
  readonly has: (kind: ObjectKind, name: string) => boolean
  readonly all: <K extends ObjectKind>(kind: K) => readonly ObjectTypes[K][]
}

export interface Shown {
  readonly name: string
  readonly displayName?: string
  readonly type?: string
  readonly provider?: string
  /** Their keys. */
  readonly credentials?: string[]
  readonly bot?: string
  readonly kind?: ChannelSpec['kind']
  /** References. */
  readonly secrets?: string[]
  readonly endpoint?: string
  readonly trustedOrigins?: string[]
  readonly userIds?: 'given' | 'generated'
}

export interface Surroundings {
  /** The environment is pre or pro. */
  readonly guarded: boolean
  /** It comes from an administrator, not from `purser.yaml`. */
  readonly atRunTime: boolean
}

interface KindRow<T> {
  /** One of them, as the record and the operations call it. */
  readonly word: string
  /**
   * Reads an object as it was written, with its name in it. `faults` are those that show without looking at other objects.
   * If there are any, `object` is given only so that `check` can find more of them; it is undefined where too much is wrong
   * for that.
   */
  readonly parse: (
    value: unknown,
    surroundings: Surroundings
  ) => { readonly object: T | undefined; readonly faults: readonly ObjectFault[] }
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

const stray = ({ credentials }: Configuration, { book }: Around): ObjectFault[] =>
  book === undefined ? [] : strayReferences(credentials, book)

/** In an order in which each refers only to those before it. */
export const OBJECT_KINDS: { readonly [K in ObjectKind]: KindRow<ObjectTypes[K]> } = {
  providers: {
    word: 'provider',
    parse: parse('provider'),
    check: stray,
    show,
    isNeeded: (name, { all }) => all('bots').some(({ provider }) => provider === name)
  },
  bots: {
    word: 'bot',
    parse: parse('bot'),
    check: (bot, around) => [
      ...(bot.provider === undefined || around.has('providers', bot.provider)
        ? []
        : [objectFault('invalid_request', ['provider'], 'unknown_provider')]),
      ...stray(bot, around)
    ],
    show,
    isNeeded: (name, { all }) => all('channels').some(({ bot }) => bot === name)
  },
  channels: {
    word: 'channel',
    parse: (value, surroundings) => {
      const { channel, faults } = parseChannel(value, surroundings)
      return { object: channel, faults }
    },
    check: (channel, { book, has }) => [
      ...(channel.bot === undefined || has('bots', channel.bot)
        ? []
        : [objectFault('invalid_request', ['bot'], 'unknown_bot')]),
      ...(book === undefined ? [] : straySecrets(channel, book))
    ],
    show: ({ secrets, trustedOrigins, takesUserIds, ...shown }) => ({
      ...shown,
      secrets: [...secrets],
      trustedOrigins: [...trustedOrigins],
      userIds: takesUserIds ? 'given' : 'generated'
    }),
    isNeeded: () => false
  }
}

export const objectKinds = Object.keys(OBJECT_KINDS) as readonly ObjectKind[]
