/**
 * What the API server says, and a Secret between Kubernetes and Purser. Rule: a secret that is itself a way into the
 * cluster is refused, whatever is to be done with it; and a 404 counts only in the API server's own words.
 */
import { type Static, type TSchema, Type } from 'typebox'
import { type FaultReason, ProviderFault } from '../../core/fault.ts'
import { fits } from '../../core/fits.ts'
import { asJson } from '../../core/json.ts'
import { type SecretRecord, Sensitive } from '../../core/secret.ts'
import { asUtf8 } from '../../core/utf8.ts'
import { reasonOfStatus, retryAfterSeconds } from '../shared/fault-of.ts'
import type { HttpAnswer } from '../shared/http-transport.ts'

const Texts = Type.Record(Type.String(), Type.String())

/** https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/secret-v1/ */
const Secret = Type.Object({
  kind: Type.Literal('Secret'),
  type: Type.String({ minLength: 1 }),
  metadata: Type.Object({
    namespace: Type.String(),
    name: Type.String(),
    resourceVersion: Type.String({ minLength: 1 }),
    labels: Type.Optional(Texts)
  }),
  immutable: Type.Optional(Type.Boolean()),
  data: Type.Optional(Texts)
})
export type Secret = Static<typeof Secret>

const AccessReview = Type.Object({
  kind: Type.Literal('SelfSubjectAccessReview'),
  status: Type.Object({ allowed: Type.Boolean() })
})

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ */
const Status = Type.Object({
  kind: Type.Literal('Status'),
  reason: Type.String(),
  details: Type.Optional(Type.Object({ kind: Type.Optional(Type.String()) }))
})

export type Reasons = ReadonlyMap<string, FaultReason>

/** The reasons of a Status that say more than its HTTP status. */
const REASONS: Reasons = new Map([
  ['BadRequest', 'misconfigured'],
  ['Invalid', 'misconfigured'],
  ['MethodNotAllowed', 'misconfigured'],
  ['NotAcceptable', 'misconfigured']
])

/** Tokens to the cluster itself: whoever may use secrets through us is not to become one of its accounts. */
const REFUSED_TYPES: ReadonlyMap<string, string> = new Map([
  ['kubernetes.io/service-account-token', 'service_account_token'],
  ['bootstrap.kubernetes.io/token', 'bootstrap_token']
])

const parse = <S extends TSchema>(schema: S, text: string): Static<S> | undefined => {
  const answer = asJson(text)
  return fits(schema, answer) ? answer : undefined
}

const invalid = (code?: string): ProviderFault => new ProviderFault('invalid_answer', { code })

/** `now` in milliseconds since the epoch; `reasons` for words that mean something of their own in this request. */
export const faultOfAnswer = (
  { status, text, retryAfter }: HttpAnswer,
  now: number,
  reasons: Reasons = new Map()
): ProviderFault => {
  const said = parse(Status, text)
  const word = said?.reason ?? ''
  const isAbsent = status === 404 && word === 'NotFound' && said?.details?.kind === 'secrets'
  const reason = isAbsent ? 'not_found' : (reasons.get(word) ?? REASONS.get(word))
  return new ProviderFault(reason ?? reasonOfStatus(status), {
    code: said?.reason,
    status,
    retryAfterSeconds: retryAfterSeconds(retryAfter, now)
  })
}

/** What it allows is not looked at: a Role that names its secrets does not allow "secrets", and is the better one. */
export const assertAccessReview = (text: string): void => {
  if (parse(AccessReview, text) === undefined) throw invalid()
}

/** Throws ProviderFault `invalid_answer`. */
export const isAllowedBy = (text: string): boolean => {
  const review = parse(AccessReview, text)
  if (review === undefined) throw invalid()
  return review.status.allowed
}

export interface SecretName {
  readonly namespace: string
  readonly name: string
}

/** The secret that was asked for. Throws ProviderFault, `denied` for a token to the cluster. */
export const parseSecret = (text: string, { namespace, name }: SecretName): Secret => {
  const secret = parse(Secret, text)
  if (secret === undefined) throw invalid()
  const { metadata, type } = secret
  if (metadata.namespace !== namespace || metadata.name !== name) throw invalid('another_secret')
  const refused = REFUSED_TYPES.get(type)
  if (refused !== undefined) throw new ProviderFault('denied', { code: refused })
  return secret
}

/**
 * A value's text. Bytes that are no UTF-8 (a keystore, say) stay the base64 that they are in the API and in `kubectl`,
 * so that one such key does not make the others unreadable.
 */
export const decodeValue = (base64: string): string => textIn(base64) ?? base64

/** Undefined for what is no text. */
const textIn = (base64: string): string | undefined => {
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.toString('base64') !== base64) throw invalid('base64')
  return asUtf8(bytes)
}

export const toRecord = ({ metadata, data = {} }: Secret): SecretRecord => {
  const encodings = new Map<string, 'base64'>()
  const fields = Object.entries(data).map(([key, value]) => {
    const text = textIn(value)
    if (text === undefined) encodings.set(key, 'base64')
    return [key, text ?? value] as const
  })
  return {
    text: new Sensitive(JSON.stringify(Object.fromEntries(fields))),
    version: metadata.resourceVersion,
    ...(encodings.size > 0 && { encodings }),
    tags: new Map(Object.entries(metadata.labels ?? {}))
  }
}
