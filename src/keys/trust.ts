/**
 * A member of `trusts:`: whose tokens are taken for which key. Rule: it only allows; what a token has to say is compared
 * letter by letter, and every bound claim has to be there.
 */
import { isObject } from '../core/json.ts'
import type { Mode } from '../core/principal.ts'
import type { TokenAlgorithm } from '../crypto/token-algorithms.ts'
import type { Claims } from '../crypto/workload-token.ts'

/** Where the public keys of an issuer are. */
export type KeySource =
  | { readonly from: 'discovery' }
  | { readonly from: 'url'; readonly url: string }
  | { readonly from: 'file'; readonly file: string }

export interface BoundClaim {
  /** Members from the outermost inwards. */
  readonly claim: readonly string[]
  /** One of them suffices. */
  readonly values: readonly (string | true)[]
}

/** How the API server is asked whether it takes a token still. */
export interface ApiServer {
  readonly url: string
  readonly tokenFile: string
  readonly caFile?: string | undefined
}

export interface Grant {
  readonly client: string
  readonly scopes: readonly string[]
  readonly mode: Mode
  readonly ttlSeconds: number
}

export interface Trust {
  readonly name: string
  /** What its tokens are besides: of a cluster's service accounts, of nothing special, or SPIFFE's. */
  readonly kind: 'service-account' | 'oidc' | 'spiffe'
  /** As tokens say it, letter by letter; of SPIFFE the trust domain, as `spiffe://example.org`. */
  readonly issuer: string
  readonly audience: string
  readonly keys: KeySource
  /** The authorities of the place of the keys; the public ones if absent. */
  readonly caFile?: string | undefined
  /** What is shown where the keys are. */
  readonly tokenFile?: string | undefined
  /** The outgoing proxy to that place and to the API server, as stores have it; none if absent. */
  readonly proxy?: string | undefined
  readonly algorithms: readonly TokenAlgorithm[]
  readonly maxTokenAgeSeconds?: number | undefined
  readonly bind: readonly BoundClaim[]
  /** Undefined: it is not asked. */
  readonly review?: ApiServer | undefined
  readonly grant: Grant
}

const ORIGIN = 'trust:'
/** As it stands in `via` of the keys that its logins gave; no key has such an id. */
export const originOf = (trustName: string): string => `${ORIGIN}${trustName}`

/** Whether a key with these ancestors comes from a login. Its id is random, and it issues none. */
export const isOfLogin = (via: readonly string[] | undefined): boolean =>
  via?.[0]?.startsWith(ORIGIN) === true

/** What stands at the place, if all above it are objects. */
export const claimAt = (claims: Claims, path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (at, name) => (isObject(at) && Object.hasOwn(at, name) ? at[name] : undefined),
    claims
  )

/** A list where a text is expected is another claim than the bound one. */
export const isBound = ({ bind }: Pick<Trust, 'bind'>, claims: Claims): boolean =>
  bind.every(({ claim, values }) => {
    const said = claimAt(claims, claim)
    return values.some((value) => value === said)
  })

/** As it is shown: `kubernetes.io/namespace=shop`. */
export const boundText = ({ claim, values }: BoundClaim): string =>
  `${claim.join('/')}=${values.join('|')}`

/** The trust domain of a SPIFFE ID: `spiffe://example.org` of `spiffe://example.org/ns/shop`. */
export const trustDomainIn = (subject: unknown): string | undefined =>
  typeof subject === 'string' ? /^(spiffe:\/\/[a-z0-9._-]{1,255})\/./.exec(subject)?.[1] : undefined

/** Whether the token says that it is of the issuer of the trust. */
export const isOf = ({ kind, issuer }: Pick<Trust, 'kind' | 'issuer'>, claims: Claims): boolean =>
  issuer === (kind === 'spiffe' ? trustDomainIn(claims['sub']) : claims['iss'])

const ACCOUNT = 'system:serviceaccount'

/**
 * Whether the token is of a service account whose claims name the one of its subject. The tokens of Secrets have other
 * claims and no end: they are none.
 */
export const isOfAccount = (claims: Claims): boolean => {
  const namespace = claimAt(claims, ['kubernetes.io', 'namespace'])
  const name = claimAt(claims, ['kubernetes.io', 'serviceaccount', 'name'])
  const uid = claimAt(claims, ['kubernetes.io', 'serviceaccount', 'uid'])
  const areTexts = [namespace, name, uid].every((one) => typeof one === 'string' && one !== '')
  return areTexts && claims['sub'] === `${ACCOUNT}:${namespace}:${name}`
}
