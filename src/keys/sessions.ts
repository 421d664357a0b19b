/**
 * Administrators' sessions: who is signed in, in a token that a browser keeps. Rule: a session has what its key has and
 * no more, and whatever ends or binds the key (its end, its revocation, its networks) is looked at on every request.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Principal } from '../core/principal.ts'
import { ProblemError } from '../core/problem.ts'
import type { Reason } from '../core/reason.ts'
import type { TokenSigner } from '../crypto/session-token.ts'
import type { Authenticator } from './authenticator.ts'
import type { Address } from './checks.ts'
import { SESSION_IDLE_SECONDS } from './lifetime.ts'
import { type Revocation, type Revocations, sessionNamed } from './revocations.ts'
import {
  claimsOf,
  type GrantRules,
  grantedTo,
  latestEnd,
  type Session,
  sessionIn
} from './session.ts'
import type { Administrator } from './sign-in.ts'
import type { CodeUser } from './sign-in-codes.ts'

/** A token of ours that does not count, or no longer: the record says whose it was, and why. */
export class RefusedSession extends ProblemError {
  readonly session: Session

  constructor(session: Session, reason: Reason | undefined) {
    super('session_expired', {}, reason)
    this.session = session
  }
}

export interface SessionsOptions extends GrantRules {
  /** Asked for at each operation: a reload may bring other secrets. */
  readonly signer: () => TokenSigner
  readonly refusalOf: Authenticator['refusalOf']
  readonly revocations: Pick<Revocations, 'isRevoked' | 'revoke'>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** As `administrators:` lists the address now. */
  readonly administratorOf: (email: string) => Administrator | undefined
  /** Whom a code signs in here; undefined where there are none. */
  readonly codeUser?: CodeUser | undefined
}

export interface OpenedSession {
  readonly session: Session
  /** For the cookie: shown to nobody else. */
  readonly token: string
}

export interface Sessions {
  /** Of a key that is accepted. */
  readonly open: (principal: Principal) => Promise<OpenedSession>
  /** Of somebody who signed in at a provider. */
  readonly openFor: (user: Administrator) => Promise<OpenedSession>
  /** Of somebody who had a code. */
  readonly openByCode: (user: CodeUser) => Promise<OpenedSession>
  /**
   * `session_required` for what is no token of ours, and `session_expired` for one that ended: given back rather than
   * thrown, since anybody can make them come.
   */
  readonly read: (token: string, address: Address) => Promise<Session | ProblemError>
  /** Begins its idle time anew. */
  readonly renew: (session: Session) => Promise<OpenedSession>
  /** Renews it, and notes that whoever is signed in has proven it once more. */
  readonly reauthenticate: (session: Session) => Promise<OpenedSession>
  /** Everywhere; in force here when it resolves. */
  readonly end: (session: Pick<Session, 'id'>) => Promise<Revocation>
}

export const createSessions = (options: SessionsOptions): Sessions => {
  const { signer, refusalOf, revocations, administratorOf, now } = options
  const seconds = (): number => Math.floor(now() / 1000)

  const issue = async (started: Session): Promise<OpenedSession> => {
    const renewedAt = seconds()
    const endsAt = Math.min(renewedAt + SESSION_IDLE_SECONDS, started.endsAtLatest)
    const session = { ...started, renewedAt, endsAt }
    return { session, token: await signer().sign(claimsOf(session)) }
  }

  const begin = (
    who: Pick<Session, 'user' | 'codeUser'>,
    shown?: Principal
  ): Promise<OpenedSession> => {
    const started = { id: randomUUID(), signedInAt: seconds() }
    const principal = shown ?? grantedTo(who, started, options)
    if (principal === undefined) throw new Error('a session is of somebody')
    return issue({
      ...started,
      ...who,
      principal,
      csrfToken: randomBytes(16).toString('base64url'),
      renewedAt: started.signedInAt,
      endsAt: started.signedInAt,
      endsAtLatest: latestEnd(started.signedInAt, principal)
    })
  }

  const whyEnded = (session: Session, isExpired: boolean, address: Address): Reason | undefined => {
    if (revocations.isRevoked(sessionNamed(session.id))) return 'signed_out'
    if (isExpired || now() >= session.endsAtLatest * 1000) return 'expired'
    const { user, codeUser } = session
    if (codeUser !== undefined)
      return isDeepStrictEqual(codeUser, options.codeUser) ? undefined : 'no_codes'
    if (user !== undefined) {
      const listed = administratorOf(user.email)
      const isSame = listed?.client === user.client && listed.mode === user.mode
      return isSame ? undefined : 'not_listed'
    }
    const refusal = refusalOf(session.principal, address)
    return refusal && (refusal.reason ?? 'other_platform')
  }

  return {
    open: (principal) => begin({}, principal),

    openFor: ({ email, client, mode }) => begin({ user: { email, client, mode } }),

    openByCode: (codeUser) => begin({ codeUser }),

    read: async (token, address) => {
      const opened = await signer().open(token, now())
      const session = sessionIn(opened?.claims, options)
      if (opened === undefined || session === undefined) {
        return new ProblemError('session_required', {}, 'unreadable_session')
      }
      const reason = whyEnded(session, opened.isExpired, address)
      return reason === undefined ? session : new RefusedSession(session, reason)
    },

    renew: issue,

    reauthenticate: (session) => issue({ ...session, reauthenticatedAt: seconds() }),

    end: ({ id }) => revocations.revoke(sessionNamed(id), now())
  }
}
