/**
 * One channel of a configuration, wherever it is written: `purser.yaml` or a request. Rule: a channel's secret is sent
 * to its endpoint, so the endpoint is one of Microsoft's own hosts, letter by letter, and its secrets are references.
 */
import { Type } from 'typebox'
import { fitting } from './fits.ts'
import { isSecretName, parseReference, type ReferenceBook } from './reference.ts'
import { isPlainKey, type ResourceFault, resourceFault } from './resource-fault.ts'
import { checkShape } from './shape.ts'

/** A channel as it is configured. */
export interface ChannelSpec {
  readonly name: string
  /** Whose channel it is. */
  readonly bot?: string
  readonly kind: 'directline' | 'webchat'
  /** References: one secret, or two of which either is good. */
  readonly secrets: readonly string[]
  /** Without a slash at its end. */
  readonly endpoint: string
  readonly trustedOrigins: readonly string[]
  /** Whether callers may name the user themselves. */
  readonly takesUserIds: boolean
}

export const ChannelSchema = Type.Object(
  {
    name: Type.String(),
    bot: Type.Optional(
      Type.String({ minLength: 1, maxLength: 256, description: 'whose channel it is' })
    ),
    kind: Type.Optional(Type.Enum(['directline', 'webchat'])),
    secrets: Type.Array(Type.String(), { minItems: 1, maxItems: 2 }),
    endpoint: Type.String({ maxLength: 256 }),
    trustedOrigins: Type.Optional(Type.Array(Type.String({ maxLength: 256 }), { maxItems: 100 })),
    userIds: Type.Optional(Type.Enum(['given', 'generated']))
  },
  { additionalProperties: false }
)
type ChannelKind = ChannelSpec['kind']

/**
 * https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-direct-line-3-0-api-reference, and the
 * sovereign clouds.
 */
const HOSTS: Readonly<Record<ChannelKind, readonly string[]>> = {
  directline: [
    'directline.botframework.com',
    'europe.directline.botframework.com',
    'india.directline.botframework.com',
    'directline.botframework.azure.us',
    'directline.botframework.azure.cn'
  ],
  webchat: [
    'webchat.botframework.com',
    'europe.webchat.botframework.com',
    'india.webchat.botframework.com',
    'webchat.botframework.azure.us'
  ]
}
/** Bots with Direct Line in their own app service. */
const EXTENSION_HOST = /^[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?\.azurewebsites\.net$/
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost'])

/** Where a resource comes from, which decides what is allowed in it. */
export interface ParseContext {
  /** The environment is pre or pro. */
  readonly guarded: boolean
  /** It comes from an administrator, not from `purser.yaml`. */
  readonly atRunTime: boolean
}

/**
 * An endpoint on this machine is for trying things out, and only `purser.yaml` may name one: any process may take a
 * port, and plain HTTP hides nothing.
 */
const takesLocal = ({ guarded, atRunTime }: ParseContext): boolean => !guarded && !atRunTime

/** Anybody can have an app service, so only `purser.yaml` may say which one gets a secret. */
const takesExtension = (kind: ChannelKind, { atRunTime }: ParseContext): boolean =>
  kind === 'directline' && !atRunTime

const isKnown = (
  kind: ChannelKind,
  { protocol, hostname, port, pathname }: URL,
  context: ParseContext
): boolean => {
  if (protocol !== 'https:' || port !== '') return false
  if (HOSTS[kind].includes(hostname)) return pathname === '/'
  const isExtension = EXTENSION_HOST.test(hostname) && /^\/\.bot\/?$/.test(pathname)
  return isExtension && takesExtension(kind, context)
}

/** The endpoint without a slash at its end; undefined if it is none that may receive a secret. */
const endpointOf = (text: string, kind: ChannelKind, context: ParseContext): string | undefined => {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  const { protocol, hostname, username, password, search, hash } = url
  const isLocal = LOOPBACK.has(hostname) && /^https?:$/.test(protocol) && url.pathname === '/'
  // A credential, a query or a fragment in an address is a mistake, or somebody else's idea.
  if (username !== '' || password !== '' || search !== '' || hash !== '') return undefined
  if (!isKnown(kind, url, context) && !(isLocal && takesLocal(context))) return undefined
  return url.href.replace(/\/$/, '')
}

const isOrigin = (text: string): boolean => {
  if (!URL.canParse(text)) return false
  const { origin, protocol, hostname } = new URL(text)
  return origin === text && (protocol === 'https:' || LOOPBACK.has(hostname))
}

const endpointFault = (kind: ChannelKind, context: ParseContext): ResourceFault => {
  const hosts = HOSTS[kind].map((host) => `https://${host}`)
  const others = takesExtension(kind, context) ? ['https://<app>.azurewebsites.net/.bot'] : []
  const message = `must be one of ${[...hosts, ...others].join(', ')}`
  return resourceFault('invalid_request', ['endpoint'], 'endpoint', message)
}

const originFaults = (
  kind: ChannelKind,
  origins: readonly string[] | undefined
): ResourceFault[] => {
  const at = 'trustedOrigins'
  if (kind === 'webchat') {
    return origins === undefined ? [] : [resourceFault('invalid_request', [at], 'unsupported')]
  }
  if (origins === undefined) return [resourceFault('invalid_request', [], 'origins')]
  return origins.flatMap((origin, index) =>
    isOrigin(origin) ? [] : [resourceFault('invalid_request', [at, index], 'origin')]
  )
}

const shape = fitting(ChannelSchema)

const shapeFaults = (value: unknown): ResourceFault[] => {
  const faults: ResourceFault[] = []
  checkShape(ChannelSchema, value, [], (path, message, rule = 'type') => {
    const isRepeatable = path.every((part) => typeof part === 'number' || isPlainKey(part))
    faults.push({ code: 'invalid_request', path: isRepeatable ? path : [], rule, message })
  })
  return faults
}

export interface ParsedChannel {
  /** Undefined where its shape is at fault. */
  readonly channel: ChannelSpec | undefined
  readonly faults: readonly ResourceFault[]
}

/**
 * The channel, with every fault that shows without looking at other resources. With any fault the channel may not be
 * used.
 */
export const parseChannel = (value: unknown, context: ParseContext): ParsedChannel => {
  if (!shape(value)) return { channel: undefined, faults: shapeFaults(value) }
  const { name, bot, kind = 'directline', secrets, trustedOrigins, userIds = 'given' } = value
  const endpoint = endpointOf(value.endpoint, kind, context)
  const faults: ResourceFault[] = []
  if (!isSecretName(name)) faults.push(resourceFault('invalid_request', ['name'], 'name'))
  if (endpoint === undefined) faults.push(endpointFault(kind, context))
  if (new Set(secrets).size !== secrets.length) {
    faults.push(resourceFault('invalid_request', ['secrets'], 'twice'))
  }
  faults.push(...originFaults(kind, trustedOrigins))
  return {
    channel: {
      name,
      ...(bot !== undefined && { bot }),
      kind,
      secrets,
      endpoint: endpoint ?? '',
      trustedOrigins: trustedOrigins ?? [],
      takesUserIds: userIds === 'given'
    },
    faults
  }
}

/** Secrets of a channel that lead nowhere. */
export const straySecrets = ({ secrets }: ChannelSpec, book: ReferenceBook): ResourceFault[] =>
  secrets.flatMap((text, index) => {
    const path = ['secrets', index]
    try {
      return parseReference(text, book) === undefined
        ? [resourceFault('invalid_reference', path, 'unknown_store')]
        : []
    } catch (error) {
      return [resourceFault('invalid_reference', path, 'reference', (error as Error).message)]
    }
  })
