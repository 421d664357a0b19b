/**
 * What one key may issue another for. Rule: never more than the issuer's own scopes, mode and environment, whatever
 * else an administrator may do; else whoever may issue keys could issue itself any right.
 */
import type { Environment, Mode, Principal } from '../core/principal.ts'
import { ProblemError } from '../core/problem.ts'
import { hasScope } from '../core/scope.ts'
import type { KeyRequest } from './api-key.ts'

export interface Asked {
  readonly client: string
  readonly scopes: readonly string[]
  readonly mode: Mode
  readonly environment?: Environment
  readonly minimumVersion?: string
  readonly expiresInDays?: number
  readonly identifier?: string
}

export interface IssueRules {
  readonly platformVersion: string
  /** API_KEY_MAX_DAYS; 0 is no limit. */
  readonly maxDays: number
}

/** Throws `insufficient_scope`, `insufficient_mode`, `access_denied` or `invalid_request`. */
export const delegate = (
  issuer: Principal,
  asked: Asked,
  { platformVersion, maxDays }: IssueRules
): KeyRequest => {
  const { client, mode, environment = issuer.environment } = asked
  const scopes = [...new Set(asked.scopes)]
  if (!scopes.every((scope) => hasScope(issuer.scopes, scope))) {
    throw new ProblemError('insufficient_scope', {
      detail: 'a key issues none with a scope that it does not cover itself'
    })
  }
  if (![...mode].every((right) => issuer.mode.includes(right))) {
    throw new ProblemError('insufficient_mode', {
      detail: 'a key issues none with a mode that it does not have itself'
    })
  }
  if (environment !== issuer.environment) {
    throw new ProblemError('access_denied', {}, 'other_environment')
  }
  const days = asked.expiresInDays ?? (maxDays === 0 ? undefined : maxDays)
  if (days !== undefined && maxDays !== 0 && days > maxDays) {
    throw new ProblemError('invalid_request', {
      detail: 'API_KEY_MAX_DAYS allows no such life',
      errors: [{ pointer: '/body/expiresInDays', rule: 'maximum' }]
    })
  }
  return {
    keyId: asked.identifier,
    client,
    scopes,
    mode,
    environment,
    minimumVersion: asked.minimumVersion ?? platformVersion,
    lifetimeSeconds: days === undefined ? undefined : days * 86_400
  }
}
