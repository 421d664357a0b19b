/**
 * One decision, as it stands in the audit trail. Rule: every member is built from what we know (allow-list); a value, a
 * key, a header or a raw URL can never be a member.
 */
import type { Environment } from './principal.ts'
import type { ProblemCode } from './problem.ts'

export const ACTIONS = [
  'secret.read',
  'secret.list',
  'secret.write',
  'secret.delete',
  'key.authenticate',
  'key.introspect',
  'key.authorize',
  'key.login',
  'key.issue',
  'key.revoke',
  'session.open',
  'session.authenticate',
  'session.reauthenticate',
  'session.end',
  'cache.invalidate',
  'bot.list',
  'bot.read',
  'object.write',
  'object.delete',
  'token.issue',
  'token.refresh',
  'state.seal',
  'state.open',
  'event.receive',
  'events.open',
  'events.end',
  'admin.read',
  'config.reload',
  'limit.reach',
  'audit.purge',
  'state.purge',
  'state.backup',
  'state.restore'
] as const
export const OUTCOMES = ['allowed', 'denied', 'failed'] as const
/** How a value was come by. */
export const CACHE_WORDS = ['HIT', 'MISS', 'STALE', 'REVALIDATED'] as const

export interface AuditEvent {
  readonly action: (typeof ACTIONS)[number]
  readonly outcome: (typeof OUTCOMES)[number]
  /** Why not, as the caller was told. */
  readonly code?: ProblemCode | undefined
  /** Why not, as only the operator may know (`core/reason.ts`); where it is allowed: by what, or which key. */
  readonly reason?: string | undefined
  readonly environment: Environment
  readonly client?: string | undefined
  readonly keyId?: string | undefined
  readonly kid?: string | undefined
  /** Of the administrator who is signed in; the key is the one that was signed in with. */
  readonly sessionId?: string | undefined
  /** The e-mail of whoever is signed in, where that was at a provider that has verified it. */
  readonly user?: string | undefined
  /** The route's template, never the URL. */
  readonly route: string
  readonly requestId: string
  readonly address?: string | undefined
  /** Canonical, with version and field; absent where no configured store was meant. */
  readonly reference?: string | undefined
  /** A bot, a provider, a trust, or a session that another one ended, as `bot sample-bot`. */
  readonly object?: string | undefined
  /**
   * Who signed the token of a login, with the subject and the id of one that was verified; or where whoever is signed in
   * did so, and whom that provider knows them by.
   */
  readonly issuer?: string | undefined
  readonly subject?: string | undefined
  readonly tokenId?: string | undefined
  readonly version?: string | undefined
  readonly cache?: (typeof CACHE_WORDS)[number] | undefined
}
