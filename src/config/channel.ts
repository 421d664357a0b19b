/**
 * One channel of a configuration, wherever it is written: `purser.yaml` or a request. Rule: a channel's secret is sent to
 * its endpoint, so the endpoint is one of Microsoft's own hosts, letter by letter, and its secrets are references.
 */
import { type Static, Type } from 'typebox'
import type { ChannelSpec } from '../broker/channels.ts'
import { isSecretName, parseReference, type ReferenceBook } from '../core/reference.ts'
import { checkShape, type Path, type Report } from './shape.ts'

export const Channel = Type.Object(
  {
    name: Type.String(),
    bot: Type.Optional(
      Type.String({ minLength: 1, maxLength: 256, description: 'whose channel it is; a note' })
    ),
    kind: Type.Optional(Type.Enum(['directline', 'webchat'])),
    secrets: Type.Array(Type.String(), { minItems: 1, maxItems: 2 }),
    endpoint: Type.String({ maxLength: 256 }),
    trustedOrigins: Type.Optional(Type.Array(Type.String({ maxLength: 256 }), { maxItems: 100 })),
    userIds: Type.Optional(Type.Enum(['given', 'generated']))
  },
  { additionalProperties: false }
)
type Channel = Static<typeof Channel>
type Kind = ChannelSpec['kind']

/** https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-direct-line-3-0-api-reference, and the sovereign clouds. */
const HOSTS: Readonly<Record<Kind, readonly string[]>> = {
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

const isKnown = (kind: Kind, { protocol, hostname, port, pathname }: URL): boolean => {
  if (protocol !== 'https:' || port !== '') return false
  if (HOSTS[kind].includes(hostname)) return pathname === '/'
  return kind === 'directline' && EXTENSION_HOST.test(hostname) && /^\/\.bot\/?$/.test(pathname)
}

/** The endpoint without a slash at its end; undefined if it is none that may receive a secret. */
const endpointOf = (text: string, kind: Kind, isGuarded: boolean): string | undefined => {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  const { protocol, hostname, username, password, search, hash } = url
  const isLocal = LOOPBACK.has(hostname) && /^https?:$/.test(protocol) && url.pathname === '/'
  // A credential, a query or a fragment in an address is a mistake, or somebody else's idea.
  if (username !== '' || password !== '' || search !== '' || hash !== '') return undefined
  if (!isKnown(kind, url) && (isGuarded || !isLocal)) return undefined
  return url.href.replace(/\/$/, '')
}

const isOrigin = (text: string): boolean => {
  if (!URL.canParse(text)) return false
  const { origin, protocol, hostname } = new URL(text)
  return origin === text && (protocol === 'https:' || LOOPBACK.has(hostname))
}

const checkSecrets = (
  { secrets }: Channel,
  book: ReferenceBook,
  at: Path,
  report: Report
): void => {
  secrets.forEach((text, index) => {
    const place = [...at, 'secrets', index]
    try {
      if (parseReference(text, book) === undefined) report(place, 'leads to no configured store')
    } catch (error) {
      report(place, (error as Error).message)
    }
  })
  if (new Set(secrets).size !== secrets.length) {
    report([...at, 'secrets'], 'names the same secret twice')
  }
}

const checkOrigins = ({ trustedOrigins }: Channel, kind: Kind, at: Path, report: Report): void => {
  if (kind === 'webchat') {
    if (trustedOrigins !== undefined) {
      report([...at, 'trustedOrigins'], 'is nothing that the scheme of kind webchat knows')
    }
  } else if (trustedOrigins === undefined) {
    report(at, 'lacks trustedOrigins: the pages that may host the chat, or an empty list')
  } else {
    trustedOrigins.forEach((origin, index) => {
      if (!isOrigin(origin)) {
        const place = [...at, 'trustedOrigins', index]
        report(place, 'must be an exact origin such as https://www.example.com')
      }
    })
  }
}

export interface ChannelContext {
  /** The environment is pre or pro. */
  readonly guarded: boolean
  readonly book: ReferenceBook
}

/** The channel that the entry describes, which has the shape of `Channel`; undefined if a fault was reported. */
const settle = (
  entry: Channel,
  { guarded, book }: ChannelContext,
  at: Path,
  report: Report
): ChannelSpec | undefined => {
  let isSound = true
  const fault: Report = (path, message) => {
    isSound = false
    report(path, message)
  }
  const { name, kind = 'directline', secrets, trustedOrigins = [], userIds = 'given' } = entry
  if (!isSecretName(name)) {
    fault([...at, 'name'], 'must be letters, digits, dots, underscores and hyphens')
  }
  const endpoint = endpointOf(entry.endpoint, kind, guarded)
  if (endpoint === undefined) {
    const hosts = HOSTS[kind].map((host) => `https://${host}`)
    const others = kind === 'directline' ? ['https://<app>.azurewebsites.net/.bot'] : []
    fault([...at, 'endpoint'], `must be one of ${[...hosts, ...others].join(', ')}`)
  }
  checkSecrets(entry, book, at, fault)
  checkOrigins(entry, kind, at, fault)
  if (!isSound || endpoint === undefined) return undefined
  return { name, kind, secrets, endpoint, trustedOrigins, takesUserIds: userIds === 'given' }
}

/** The channel that the value describes; undefined if a fault was reported. */
export const readChannel = (
  value: unknown,
  context: ChannelContext,
  at: Path,
  report: Report
): ChannelSpec | undefined =>
  checkShape(Channel, value, at, report) ? settle(value as Channel, context, at, report) : undefined
