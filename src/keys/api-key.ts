/**
 * API keys: `purser_<env>_<compact JWE>`, valid by being decryptable, without a database. Rule: a key that is not
 * accepted is refused in one way for every reason; only `version_too_old` is told apart, since its bearer can do
 * something about it.
 */
import { randomUUID } from 'node:crypto'
import validVersion from 'semver/functions/valid.js'
import { Compile, type XStatic } from 'typebox/schema'
import { isClientName } from '../core/policy.ts'
import {
  ENVIRONMENTS,
  type Environment,
  MODES,
  type Mode,
  type Principal
} from '../core/principal.ts'
import { isScope } from '../core/scope.ts'
import { openJwe, sealJwe } from '../crypto/jwe.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { KEY_ID } from './key-id.ts'
import { isNetwork, NETWORK_LENGTH_MAX, NETWORKS_MAX } from './networks.ts'

const API_KEY_MAX_LENGTH = 2048

/** So many keys at most stand between a key and the first of its ancestors, which no key issued. */
export const VIA_MAX = 4
/** Allows more than the ids that this version writes, so that it can read what a later version puts first (a trust). */
const VIA = '^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$'

const API_KEY = /^purser_(dev|stg|pre|pro)_([A-Za-z0-9_.-]+)$/

/** Spelled out, since loading the library that builds schemas takes most of the time of `purser key issue`. */
const Claims = {
  type: 'object',
  properties: {
    jti: { type: 'string', pattern: KEY_ID },
    cli: { type: 'string' },
    scp: { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: 32 },
    mode: { enum: MODES },
    env: { enum: ENVIRONMENTS },
    minv: { type: 'string', maxLength: 64 },
    iat: { type: 'integer', minimum: 0 },
    exp: { type: 'integer', minimum: 0 },
    via: {
      type: 'array',
      items: { type: 'string', pattern: VIA },
      minItems: 1,
      maxItems: VIA_MAX
    },
    net: {
      type: 'array',
      items: { type: 'string', maxLength: NETWORK_LENGTH_MAX },
      minItems: 1,
      maxItems: NETWORKS_MAX
    },
    kid: { type: 'string' }
  },
  required: ['jti', 'cli', 'scp', 'mode', 'env', 'minv', 'iat', 'kid'],
  additionalProperties: false
} as const
type Claims = XStatic<typeof Claims>

const claimsShape = Compile(Claims)

const isWellFormed = (payload: unknown): payload is Claims =>
  claimsShape.Check(payload) &&
  payload.scp.every(isScope) &&
  isClientName(payload.cli) &&
  (payload.net === undefined || payload.net.every(isNetwork)) &&
  validVersion(payload.minv) === payload.minv

export interface KeyRequest {
  /** UUID; generated if absent. */
  readonly keyId?: string | undefined
  readonly client: string
  readonly scopes: readonly string[]
  readonly mode: Mode
  readonly environment: Environment
  readonly minimumVersion: string
  /** Seconds from now; absent for a key that does not expire. */
  readonly lifetimeSeconds?: number | undefined
  /** Seconds since the epoch, beyond which the key does not live, however long its lifetime. */
  readonly endsBy?: number | undefined
  /** The ids of those by whom it is issued, oldest first. */
  readonly via?: readonly string[] | undefined
  /** From where it may be used; anywhere if absent. */
  readonly networks?: readonly string[] | undefined
}

export interface IssuedKey {
  /** The key's text: shown once, kept nowhere. */
  readonly apiKey: string
  readonly principal: Principal
}

/** What a key's payload says; undefined for what no key says. */
export const principalIn = (payload: unknown): Principal | undefined =>
  isWellFormed(payload) ? toPrincipal(payload) : undefined

/** The payload that says it. */
export const payloadOf = (principal: Principal): Readonly<Record<string, unknown>> => {
  const claims: Claims = {
    jti: principal.keyId,
    cli: principal.client,
    scp: [...principal.scopes],
    mode: principal.mode,
    env: principal.environment,
    minv: principal.minimumVersion,
    iat: principal.issuedAt,
    ...(principal.expiresAt !== undefined && { exp: principal.expiresAt }),
    ...(principal.via !== undefined && { via: [...principal.via] }),
    ...(principal.networks !== undefined && { net: [...principal.networks] }),
    kid: principal.kid
  }
  return claims
}

const toPrincipal = (claims: Claims): Principal => ({
  keyId: claims.jti,
  client: claims.cli,
  scopes: claims.scp,
  mode: claims.mode,
  environment: claims.env,
  minimumVersion: claims.minv,
  issuedAt: claims.iat,
  ...(claims.exp !== undefined && { expiresAt: claims.exp }),
  ...(claims.via !== undefined && { via: claims.via }),
  ...(claims.net !== undefined && { networks: claims.net }),
  kid: claims.kid
})

/** The earlier of the two ends, if there is one. */
const endOf = (issuedAt: number, { lifetimeSeconds, endsBy }: KeyRequest): number | undefined => {
  if (lifetimeSeconds === undefined) return endsBy
  return Math.min(issuedAt + lifetimeSeconds, endsBy ?? Number.POSITIVE_INFINITY)
}

/**
 * Issues a key under the active encryption key. `now` in milliseconds. Throws Error with a sentence for claims that no
 * key may hold.
 */
export const issueApiKey = async (
  keyring: Keyring,
  request: KeyRequest,
  now: number
): Promise<IssuedKey> => {
  const issuedAt = Math.floor(now / 1000)
  const exp = endOf(issuedAt, request)
  const claims: Claims = {
    jti: (request.keyId ?? randomUUID()).toLowerCase(),
    cli: request.client,
    scp: [...request.scopes],
    mode: request.mode,
    env: request.environment,
    minv: request.minimumVersion,
    iat: issuedAt,
    ...(exp !== undefined && { exp }),
    ...(request.via !== undefined && { via: [...request.via] }),
    ...(request.networks !== undefined && { net: [...request.networks] }),
    kid: keyring.active.kid
  }
  if (!isWellFormed(claims)) throw new Error('no key may hold these claims')
  const apiKey = `purser_${claims.env}_${await sealJwe(keyring, 'api-key', claims)}`
  if (apiKey.length > API_KEY_MAX_LENGTH)
    throw new Error('the key would be too long: name fewer scopes or networks')
  return { apiKey, principal: toPrincipal(claims) }
}

/**
 * Opens a key's text to what it says, whatever the environment, the time and the platform; undefined if it cannot be
 * opened.
 */
export const openApiKey = async (
  keyring: Keyring,
  apiKey: string
): Promise<Principal | undefined> => {
  if (apiKey.length > API_KEY_MAX_LENGTH) return undefined
  const [, environment, compact] = API_KEY.exec(apiKey) ?? []
  if (compact === undefined) return undefined
  const payload = await openJwe(keyring, 'api-key', compact)
  return isWellFormed(payload) && payload.env === environment ? toPrincipal(payload) : undefined
}
