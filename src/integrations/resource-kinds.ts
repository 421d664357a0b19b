/**
 * The kinds of resources (bots, providers, channels) that are configured in `purser.yaml` or at run time. Rule: a kind
 * is a row here; how resources are kept, changed and recorded is the same for all kinds.
 */
import { type ChannelSpec, type ParseContext, parseChannel, straySecrets } from '../core/channel.ts'
import type { ReferenceBook } from '../core/reference.ts'
import { type ResourceFault, resourceFault } from '../core/resource-fault.ts'
import {
  type Configuration,
  type ConfigurationKind,
  parseConfiguration,
  strayReferences
} from './bot-form.ts'

/** What stands under a kind's name in `purser.yaml`, in the state and in URLs. */
export interface ResourceTypes {
  readonly bots: Configuration
  readonly providers: Configuration
  readonly channels: ChannelSpec
}
export type ResourceKind = keyof ResourceTypes

/** By kind and name. */
export type ResourceMaps = { readonly [K in ResourceKind]: Map<string, ResourceTypes[K]> }
export const noResources = (): ResourceMaps => ({
  providers: new Map(),
  bots: new Map(),
  channels: new Map()
})

/** What a resource may refer to. */
export interface ResourceLookup {
  /** Undefined where a store is itself at fault: a fault of what leads to the store would only repeat that. */
  readonly book: ReferenceBook | undefined
  readonly has: (kind: ResourceKind, name: string) => boolean
  readonly all: <K extends ResourceKind>(kind: K) => readonly ResourceTypes[K][]
}

export interface ResourceView {
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

interface KindRow<T> {
  /** One of them, as the record and the operations call it. */
  readonly word: string
  /**
   * Reads a resource as it was written, with its name in it. `faults` are those that show without looking at other
   * resources. If there are any, `resource` is given only so that `check` can find more of them; it is undefined where
   * too much is wrong for that.
   */
  readonly parse: (
    value: unknown,
    context: ParseContext
  ) => { readonly resource: T | undefined; readonly faults: readonly ResourceFault[] }
  /** What is wrong with what it refers to. */
  readonly check: (resource: T, lookup: ResourceLookup) => readonly ResourceFault[]
  /** What an administrator may see of it: never a credential. */
  readonly show: (resource: T) => ResourceView
  /** Whether another resource would be left without it. */
  readonly isNeeded: (name: string, lookup: ResourceLookup) => boolean
}

const parse = (kind: ConfigurationKind) => (value: unknown) => {
  const { configuration, faults } = parseConfiguration(kind, value)
  return { resource: configuration, faults }
}

const show = ({ credentials, ...shown }: Configuration): ResourceView => ({
  ...shown,
  credentials: [...credentials.keys()]
})

const stray = ({ credentials }: Configuration, { book }: ResourceLookup): ResourceFault[] =>
  book === undefined ? [] : strayReferences(credentials, book)

/** In an order in which each kind refers only to kinds before it. */
export const RESOURCE_KINDS: { readonly [K in ResourceKind]: KindRow<ResourceTypes[K]> } = {
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
    check: (bot, lookup) => [
      ...(bot.provider === undefined || lookup.has('providers', bot.provider)
        ? []
        : [resourceFault('invalid_request', ['provider'], 'unknown_provider')]),
      ...stray(bot, lookup)
    ],
    show,
    isNeeded: (name, { all }) => all('channels').some(({ bot }) => bot === name)
  },
  channels: {
    word: 'channel',
    parse: (value, context) => {
      const { channel, faults } = parseChannel(value, context)
      return { resource: channel, faults }
    },
    check: (channel, { book, has }) => [
      ...(channel.bot === undefined || has('bots', channel.bot)
        ? []
        : [resourceFault('invalid_request', ['bot'], 'unknown_bot')]),
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

export const resourceKinds = Object.keys(RESOURCE_KINDS) as readonly ResourceKind[]
