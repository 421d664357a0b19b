/**
 * What one key may issue another for. Rule: never more than the issuer's own scopes, mode and environment, or than one
 * delegation of the configuration lists for its client; never longer than the issuer lives, never for an older platform
 * than the issuer needs, never for networks that the issuer is not bound to; and the right to administer is handed on by nothing but itself.
 */
import isLower from 'semver/functions/lt.js'
import validVersion from 'semver/functions/valid.js'
import { compileGlob } from '../core/glob.ts'
import type { Environment, Mode, Principal } from '../core/principal.ts'
import { ProblemError } from '../core/problem.ts'
import { covers, hasScope } from '../core/scope.ts'
import type { KeyRequest } from './api-key.ts'
import { DAY_SECONDS, daysIn } from './lifetime.ts'
import { areWithin, isNetwork, NETWORK_FORM } from './networks.ts'

/** A member of `delegations:`: keys of `client` may issue these, without having the scopes. */
export interface Delegation {
  readonly client: string | readonly string[]
  /** Names of clients, or patterns over them. */
  readonly clients: readonly string[]
  readonly scopes: readonly string[]
  /** `r` alone if absent. */
  readonly modes?: readonly Mode[]
  readonly maxDays?: number
}

export interface IssueRequest {
  readonly client: string
  readonly scopes: readonly string[]
  readonly mode: Mode
  readonly environment?: Environment
  readonly minimumVersion?: string
  /** Such as `90d`. */
  readonly expires?: string
  readonly expiresInDays?: number
  readonly identifier?: string
  /** The issuer's if absent. */
  readonly networks?: readonly string[]
}

export interface IssueRules {
  readonly platformVersion: string
  /** API_KEY_MAX_DAYS; 0 is no limit. */
  readonly maxDays: number
  /** Needed where there are delegations, which never lead to it. */
  readonly adminScope?: string
  /** Those of the configuration; none for an issuer that was issued by a key itself. */
  readonly delegations?: readonly Delegation[]
}

const hasMode = (granted: Mode, asked: Mode): boolean =>
  [...asked].every((right) => granted.includes(right))

const isDelegating = ({ client }: Delegation, name: string): boolean =>
  typeof client === 'string' ? client === name : client.includes(name)

/** What is wrong with a pattern over names of clients; undefined if nothing is. */
export const clientPatternFault = (pattern: string): string | undefined => {
  if (!/^[A-Za-z0-9._*?{},-]{1,256}$/.test(pattern)) {
    return 'must be the name of a client, or a pattern over names such as bot-*'
  }
  try {
    compileGlob(pattern)
    return undefined
  } catch (error) {
    return `is not understood: ${(error as Error).message}`
  }
}

/** As users are shown it: with the defaults of what the configuration leaves out. */
export const described = ({ clients, scopes, modes = ['r'], maxDays }: Delegation) => ({
  clients: [...clients],
  scopes: [...scopes],
  modes: [...modes],
  ...(maxDays !== undefined && { maxDays })
})

/** What the keys of a client may issue beyond their own scopes, as users are shown it. */
export const delegationsOf = (delegations: readonly Delegation[], client: string) =>
  delegations.filter((one) => isDelegating(one, client)).map(described)

/** Whether the scope gives the right to administer, or a part of it. */
export const touchesAdmin = (adminScope: string, scope: string): boolean =>
  covers(adminScope, scope) || covers(scope, adminScope)

const allows =
  (asked: IssueRequest, adminScope: string) =>
  ({ clients, scopes, modes = ['r'] }: Delegation): boolean =>
    clients.some((pattern) => compileGlob(pattern)(asked.client)) &&
    asked.scopes.every((scope) => hasScope(scopes, scope) && !touchesAdmin(adminScope, scope)) &&
    modes.some((mode) => hasMode(mode, asked.mode))

/**
 * The delegations that allow what the issuer's own rights do not; none where its own rights suffice. Throws where
 * nothing allows it.
 */
const delegationsFor = (
  issuer: Principal,
  asked: IssueRequest,
  rules: IssueRules
): Delegation[] => {
  const ownScopes = asked.scopes.every((scope) => hasScope(issuer.scopes, scope))
  if (ownScopes && hasMode(issuer.mode, asked.mode)) return []
  const { adminScope, delegations = [] } = rules
  const isForDelegate = delegations.some((one) => isDelegating(one, asked.client))
  const mine = delegations.filter((one) => isDelegating(one, issuer.client))
  const found =
    adminScope === undefined || isForDelegate ? [] : mine.filter(allows(asked, adminScope))
  if (found.length > 0) return found
  const unless = mine.length === 0 ? '' : ', and no delegation of its client lists this'
  if (!ownScopes) {
    throw new ProblemError('insufficient_scope', {
      detail: `a key issues none with a scope that it does not cover itself${unless}`
    })
  }
  throw new ProblemError('insufficient_mode', {
    detail: `a key issues none with a mode that it does not have itself${unless}`
  })
}

const tooLong = (asked: IssueRequest, detail: string): ProblemError => {
  const member = asked.expires === undefined ? 'expiresInDays' : 'expires'
  return new ProblemError('invalid_request', {
    detail,
    errors: [{ pointer: `/body/${member}`, rule: 'maximum' }]
  })
}

const daysAsked = (asked: IssueRequest): number | undefined => {
  if (asked.expires === undefined) return asked.expiresInDays
  if (asked.expiresInDays !== undefined) {
    throw new ProblemError('invalid_request', {
      detail: 'the life of a key is said once: by expires',
      errors: [{ pointer: '/body/expiresInDays', rule: 'not' }]
    })
  }
  const days = daysIn(asked.expires)
  if (days === undefined) throw tooLong(asked, 'no key may live so long')
  return days
}

/** Undefined: as long as its issuer. */
const daysOf = (asked: IssueRequest, maxDays: number, under: readonly Delegation[]) => {
  const days = daysAsked(asked)
  if (days !== undefined && maxDays !== 0 && days > maxDays) {
    throw tooLong(asked, 'API_KEY_MAX_DAYS allows no such life')
  }
  const limits = under.map((one) => one.maxDays ?? Number.POSITIVE_INFINITY)
  const limit = under.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...limits)
  if (days !== undefined && days > limit) {
    throw tooLong(asked, 'the delegation allows no such life')
  }
  if (days !== undefined) return days
  const longest = Math.min(limit, maxDays === 0 ? Number.POSITIVE_INFINITY : maxDays)
  return Number.isFinite(longest) ? longest : undefined
}

const versionOf = (issuer: Principal, asked: IssueRequest, platformVersion: string): string => {
  const { minimumVersion = platformVersion } = asked
  // A text that is no version is refused later, with the key that would hold it.
  if (validVersion(minimumVersion) === null) return minimumVersion
  if (!isLower(minimumVersion, issuer.minimumVersion)) return minimumVersion
  throw new ProblemError('invalid_request', {
    detail: 'a key issues none with a lower minimum version than its own',
    errors: [{ pointer: '/body/minimumVersion', rule: 'minimum' }]
  })
}

const networksOf = (issuer: Principal, { networks }: IssueRequest) => {
  if (networks === undefined) return issuer.networks
  const wrong = networks.findIndex((network) => !isNetwork(network))
  if (wrong >= 0) {
    throw new ProblemError('invalid_request', {
      detail: `each of the networks must be ${NETWORK_FORM}`,
      errors: [{ pointer: `/body/networks/${wrong}`, rule: 'format' }]
    })
  }
  if (issuer.networks === undefined || areWithin(networks, issuer.networks)) return networks
  throw new ProblemError(
    'access_denied',
    { detail: 'a key issues none for networks that it may not be used from itself' },
    'wider_networks'
  )
}

/** Throws `insufficient_scope`, `insufficient_mode`, `access_denied` or `invalid_request`. */
export const delegate = (
  issuer: Principal,
  wanted: IssueRequest,
  rules: IssueRules
): KeyRequest => {
  const asked = { ...wanted, scopes: [...new Set(wanted.scopes)] }
  const { environment = issuer.environment } = asked
  const under = delegationsFor(issuer, asked, rules)
  if (environment !== issuer.environment) {
    throw new ProblemError('access_denied', {}, 'other_environment')
  }
  const days = daysOf(asked, rules.maxDays, under)
  return {
    keyId: asked.identifier,
    client: asked.client,
    scopes: asked.scopes,
    mode: asked.mode,
    environment,
    minimumVersion: versionOf(issuer, asked, rules.platformVersion),
    lifetimeSeconds: days === undefined ? undefined : days * DAY_SECONDS,
    endsBy: issuer.expiresAt,
    networks: networksOf(issuer, asked)
  }
}
