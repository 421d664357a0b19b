/**
 * What Vault's answers mean: text off the wire in, a record, a token or a fault out. Rule: pure, and strict about
 * shape; numbers keep every digit they had on the wire, for a secret's text is cut out of the answer and never printed
 * anew. https://developer.hashicorp.com/vault/api-docs#http-status-codes
 */
import { type Static, type TSchema, Type } from 'typebox'
import { ProviderFault } from '../../core/fault.ts'
import { fits } from '../../core/fits.ts'
import { asJson } from '../../core/json.ts'
import { membersOf } from '../../core/json-text.ts'
import { type SecretRecord, Sensitive } from '../../core/secret.ts'
import { reasonOfStatus, retryAfterSeconds } from '../shared/fault-of.ts'

/** A token that a login or a renewal gave. */
export interface VaultToken {
  readonly token: Sensitive<string>
  /** 0 for a token that does not expire, or whose lifetime is not known. */
  readonly ttlSeconds: number
  readonly renewable: boolean
}

/** KV version 1 keeps one value and no history: its records bear this, which no request for a version can match. */
export const UNVERSIONED = 'unversioned'

/** Whether KV 2 could have given this version. */
export const isVersion = (text: string): boolean => /^[1-9]\d{0,8}$/.test(text)

/**
 * The code of a 403 that says in so many words that the token is invalid. Not every server does: OpenBao 2.7 does not.
 */
export const INVALID_TOKEN = 'invalid_token'

/** The code of a refusal to write without saying which version the new one is to follow. */
export const CAS_REQUIRED = 'cas_required'

const Fields = Type.Record(Type.String(), Type.Unknown())
const Seconds = Type.Integer({ minimum: 0 })
const Version = Type.Integer({ minimum: 1 })
const Kv1Answer = Type.Object({ data: Fields })
const Kv2Answer = Type.Object({
  data: Type.Object({
    data: Fields,
    metadata: Type.Object({
      version: Version,
      custom_metadata: Type.Optional(
        Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()])
      )
    })
  })
})
const WrittenAnswer = Type.Object({ data: Type.Object({ version: Version }) })
const MetadataAnswer = Type.Object({
  data: Type.Object({ current_version: Type.Integer({ minimum: 0 }) })
})
const ListAnswer = Type.Object({ data: Type.Object({ keys: Type.Array(Type.String()) }) })
const AuthAnswer = Type.Object({
  auth: Type.Object({
    client_token: Type.String({ minLength: 1 }),
    lease_duration: Seconds,
    renewable: Type.Boolean()
  })
})
const UnwrapAnswer = Type.Object({
  data: Type.Object({ secret_id: Type.String({ minLength: 1 }) })
})
const LookupAnswer = Type.Object({ data: Type.Object({ ttl: Seconds }) })
const Gone = Type.Object({ data: Type.Object({ metadata: Fields }) })
const Refusal = Type.Object({ errors: Type.Array(Type.String()) })
const Warning = Type.Object({ warnings: Type.Array(Type.String(), { minItems: 1 }) })

export const isJsonObject = (text: string): boolean => fits(Fields, asJson(text))

const parse = <S extends TSchema>(schema: S, text: string): Static<S> => {
  const answer = asJson(text)
  if (!fits(schema, answer)) throw new ProviderFault('invalid_answer')
  return answer
}

const memberText = (json: string, name: string): string => membersOf(json).get(name) ?? ''

/** Throws ProviderFault `invalid_answer`. */
export const parseKv1 = (text: string): SecretRecord => {
  parse(Kv1Answer, text)
  return { text: new Sensitive(memberText(text, 'data')), version: UNVERSIONED }
}

/** Throws ProviderFault `invalid_answer`, also where the answer is of another version than was asked for. */
export const parseKv2 = (text: string, askedFor?: string): SecretRecord => {
  const { data } = parse(Kv2Answer, text)
  const { custom_metadata: tags } = data.metadata
  const version = String(data.metadata.version)
  if (askedFor !== undefined && askedFor !== version) throw new ProviderFault('invalid_answer')
  return {
    text: new Sensitive(memberText(memberText(text, 'data'), 'data')),
    version,
    // A server older than custom metadata (Vault 1.9) does not answer with any, which does not mean that the secret has
    // none.
    ...(tags !== undefined && { tags: new Map(Object.entries(tags ?? {})) })
  }
}

/** The version that a write has made. Throws ProviderFault `invalid_answer`. */
export const parseWritten = (text: string): string =>
  String(parse(WrittenAnswer, text).data.version)

/** The newest version, deleted or not; 0 if there is none yet. Throws ProviderFault `invalid_answer`. */
export const parseMetadata = (text: string): number =>
  parse(MetadataAnswer, text).data.current_version

/** The names in a folder, those of folders with a slash at their end. Throws ProviderFault `invalid_answer`. */
export const parseListAnswer = (text: string): readonly string[] =>
  parse(ListAnswer, text).data.keys

/** What a login or a renewal answers. Throws ProviderFault `invalid_answer`. */
export const parseVaultToken = (text: string): VaultToken => {
  const { client_token, lease_duration, renewable } = parse(AuthAnswer, text).auth
  return { token: new Sensitive(client_token), ttlSeconds: lease_duration, renewable }
}

/** The secret id that was wrapped. Throws ProviderFault `invalid_answer`. */
export const parseUnwrapped = (text: string): Sensitive<string> =>
  new Sensitive(parse(UnwrapAnswer, text).data.secret_id)

/** What lookup-self answers of a token that we hold. Throws ProviderFault `invalid_answer`. */
export const parseLookup = (text: string, token: Sensitive<string>): VaultToken => {
  const { data } = parse(LookupAnswer, text)
  return { token, ttlSeconds: data.ttl, renewable: 'renewable' in data && data.renewable === true }
}

const notFound = (body: unknown): ProviderFault => {
  const status = 404
  if (fits(Gone, body)) return new ProviderFault('not_found', { status, code: 'deleted' })
  // A KV 1 path on a KV 2 mount: the secret is not missing, the setting names the wrong version.
  if (fits(Warning, body)) {
    return new ProviderFault('misconfigured', { status, code: 'wrong_kv_version' })
  }
  // A 404 in other words comes from a proxy, and says nothing of the secret.
  if (!fits(Refusal, body)) return new ProviderFault('unavailable', { status })
  // No key, no version: an empty list. Anything in it is "no handler for route", "namespace not found" or the like.
  return body.errors.length === 0
    ? new ProviderFault('not_found', { status })
    : new ProviderFault('misconfigured', { status, code: 'no_such_route' })
}

/**
 * Whether Vault refuses in these words. Vault has no error codes, and these words have not changed since KV 2 came
 * (0.10).
 */
const says = (body: unknown, words: string): boolean =>
  fits(Refusal, body) && body.errors.some((line) => line.includes(words))

const badRequest = (body: unknown): ProviderFault => {
  const status = 400
  if (says(body, 'check-and-set parameter did not match')) {
    return new ProviderFault('conflict', { status })
  }
  return says(body, 'check-and-set parameter required')
    ? new ProviderFault('misconfigured', { status, code: CAS_REQUIRED })
    : new ProviderFault('misconfigured', { status })
}

/** The fault behind any answer but 200 and 204. `now` in milliseconds since the epoch. */
export const faultOfAnswer = (
  answer: {
    readonly status: number
    readonly text: string
    readonly retryAfter?: string | undefined
  },
  now: number
): ProviderFault => {
  const { status, text, retryAfter } = answer
  const body = asJson(text)
  if (status === 404) return notFound(body)
  if (status === 400) return badRequest(body)
  if (status === 413) return new ProviderFault('invalid_request', { status, code: 'too_large' })
  if (status === 405) return new ProviderFault('misconfigured', { status })
  const isInvalidToken = status === 403 && says(body, 'invalid token')
  // Among `unavailable`: 3xx is a standby that points to another host (never followed), 412 a replica that lags, 472
  // and 473 replicas that do not serve, 503 sealed.
  return new ProviderFault(reasonOfStatus(status), {
    status,
    retryAfterSeconds: retryAfterSeconds(retryAfter, now),
    ...(isInvalidToken && { code: INVALID_TOKEN })
  })
}
