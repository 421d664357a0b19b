/**
 * Messages that Amazon SNS delivers over HTTP. Rule: a message is believed for its signature alone; its certificate is
 * fetched from, and a subscription confirmed at, no other host than that of SNS in the store's own region.
 *
 * Amazon SNS: "Verifying the signatures of Amazon SNS messages", "HTTP/HTTPS notification JSON format".
 */
import { verify, X509Certificate } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { type Static, Type } from 'typebox'
import { ProviderFault } from '../../core/fault.ts'
import { fitting } from '../../core/fits.ts'
import { denied } from '../../core/problem.ts'
import type { AwsAddress } from './address.ts'

/** The region of a topic. */
export const regionOf = (topic: string): string => topic.split(':')[3] ?? ''

const Text = Type.String({ maxLength: 2048 })

const Message = Type.Object({
  Type: Type.Enum(['Notification', 'SubscriptionConfirmation', 'UnsubscribeConfirmation']),
  MessageId: Text,
  TopicArn: Text,
  Message: Type.String(),
  Subject: Type.Optional(Type.Union([Text, Type.Null()])),
  Timestamp: Text,
  Token: Type.Optional(Text),
  SubscribeURL: Type.Optional(Text),
  SignatureVersion: Type.Enum(['1', '2']),
  Signature: Text,
  SigningCertURL: Text
})
export type SnsMessage = Static<typeof Message>
const message = fitting(Message)

export const isSnsMessage = (body: unknown): body is SnsMessage => message(body)

/** What looks like a message but is none is not taken for something else. */
export const resemblesSns = (body: unknown): boolean =>
  typeof body === 'object' && body !== null && 'TopicArn' in body

const SIGNED = {
  Notification: ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'],
  SubscriptionConfirmation: [
    'Message',
    'MessageId',
    'SubscribeURL',
    'Timestamp',
    'Token',
    'TopicArn',
    'Type'
  ]
} as const

export const stringToSign = (given: SnsMessage): string => {
  const names =
    given.Type === 'Notification' ? SIGNED.Notification : SIGNED.SubscriptionConfirmation
  return names
    .flatMap((name) => (typeof given[name] === 'string' ? [`${name}\n${given[name]}\n`] : []))
    .join('')
}

/** Only where SNS has its documented host; elsewhere nothing is believed. */
const SUFFIXES: ReadonlyMap<string, string> = new Map([
  ['aws', 'amazonaws.com'],
  ['aws-us-gov', 'amazonaws.com'],
  ['aws-cn', 'amazonaws.com.cn']
])

const CERTIFICATE_PATH = /^\/SimpleNotificationService-[A-Za-z0-9]{1,128}\.pem$/
const DEADLINE_MS = 3_000
const LONGEST_ANSWER = 64 * 1024
const HASHES = { '1': 'sha1', '2': 'sha256' } as const

/** The URL if it is one of SNS in the store's region. */
const urlAtSns = ({ partition, region }: AwsAddress, text: string): URL | undefined => {
  const suffix = SUFFIXES.get(partition)
  if (suffix === undefined || !URL.canParse(text)) return undefined
  const url = new URL(text)
  const isPlain = url.username === '' && url.password === '' && url.hash === ''
  return url.origin === `https://sns.${region}.${suffix}` && isPlain ? url : undefined
}

export interface SnsOptions {
  readonly fetch: typeof fetch
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface Sns {
  /** Rejects with `access_denied` for what is not proven, with a ProviderFault while SNS cannot be asked. */
  readonly verify: (
    address: AwsAddress,
    topics: readonly string[] | undefined,
    given: SnsMessage
  ) => Promise<void>
  /** Confirms the subscription of a verified message. */
  readonly confirm: (address: AwsAddress, given: SnsMessage) => Promise<void>
}

export const createSns = ({ fetch, now }: SnsOptions): Sns => {
  const certificates = new LRUCache<string, X509Certificate>({ max: 32 })

  const get = async (url: URL): Promise<string> => {
    let text: string
    try {
      const answer = await fetch(url, {
        redirect: 'error',
        signal: AbortSignal.timeout(DEADLINE_MS)
      })
      text = answer.ok ? await answer.text() : ''
    } catch {
      throw new ProviderFault('unavailable')
    }
    if (text === '' || text.length > LONGEST_ANSWER) throw new ProviderFault('unavailable')
    return text
  }

  const certificateAt = async (url: URL): Promise<X509Certificate> => {
    const known = certificates.get(url.href)
    if (known !== undefined) return known
    const text = await get(url)
    try {
      const certificate = new X509Certificate(text)
      certificates.set(url.href, certificate)
      return certificate
    } catch {
      throw new ProviderFault('unavailable')
    }
  }

  const isOfTopic = (address: AwsAddress, topics: readonly string[] | undefined, arn: string) => {
    if (topics !== undefined) return topics.includes(arn)
    const [, partition, service, , account = ''] = arn.split(':')
    return (
      service === 'sns' &&
      partition === address.partition &&
      regionOf(arn) === address.region &&
      (address.accounts.length === 0 || address.accounts.includes(account))
    )
  }

  return {
    verify: async (address, topics, given) => {
      if (!isOfTopic(address, topics, given.TopicArn)) throw denied('foreign_topic')
      const url = urlAtSns(address, given.SigningCertURL)
      if (url === undefined || url.search !== '' || !CERTIFICATE_PATH.test(url.pathname)) {
        throw denied('foreign_certificate')
      }
      const { publicKey, validFrom, validTo } = await certificateAt(url)
      const isInForce = Date.parse(validFrom) <= now() && now() < Date.parse(validTo)
      const isSigned =
        publicKey.asymmetricKeyType === 'rsa' &&
        verify(
          HASHES[given.SignatureVersion],
          Buffer.from(stringToSign(given)),
          publicKey,
          Buffer.from(given.Signature, 'base64')
        )
      if (!isInForce || !isSigned) throw denied('forged')
    },

    confirm: async (address, { SubscribeURL = '' }) => {
      const url = urlAtSns(address, SubscribeURL)
      if (url?.searchParams.get('Action') !== 'ConfirmSubscription') {
        throw denied('foreign_subscribe_url')
      }
      await get(url)
    }
  }
}
