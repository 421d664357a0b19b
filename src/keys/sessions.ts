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
import type { AdministratorOf, SignedInUser } from './administrators.ts'
import { grantOf } from './administrators.ts'
import type { Authenticator } from './authenticator.ts'
import type { Address } from './checks.ts'
import { SESSION_IDLE_SECONDS } from './lifetime.ts'
import { type Revocation, type Revocations, sessionNamed, tokensNamed } from './revocations.ts'
import {
  claimsOf,
  type GrantRules,
  grantedTo,
  latestEnd,
  meansOf,
  type Session,
  sessionIn
} from './session.ts'
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
  /** As `administrators:` has it now. */
  readonly administratorOf: AdministratorOf
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
  readonly openFor: (user: SignedInUser) => Promise<OpenedSession>
  /** Of somebody who had a code. */
  readonly openByCode: (user: CodeUser) => Promise<OpenedSession>
  /**
   * `session_required` for what is no token of ours, and `session_expired` for one that ended: given back rather than
   * thrown, since anybody can make them come.
   */
  readonly read: (token: string, address: Address) => Promise<Session | ProblemError>
  /** By claims of a session (`claimsOf`) that were kept elsewhere than in its own token. */
  readonly reopen: (claims: unknown, address: Address) => Session | ProblemError
  /** Begins its idle time anew. */
  readonly renew: (session: Session) => Promise<OpenedSession>
  /** Notes that whoever is signed in has proven it once more, in a new token: those before count no more. */
  readonly reauthenticate: (session: Session) => Promise<OpenedSession>
  /** Everywhere; in force here when it resolves. */
  readonly end: (session: Pick<Session, 'id'>) => Promise<Revocation>
}

/** Of whoever showed no key: whether the same is granted still. */
const isGranted = (
  { user, codeUser }: Pick<Session, 'user' | 'codeUser'>,
  options: Pick<SessionsOptions, 'administratorOf' | 'codeUser'>
): boolean => {
  if (user === undefined) return isDeepStrictEqual(codeUser, options.codeUser)
  const { issuer, subject, email, ...had } = user
  const listed = options.administratorOf({ issuer, subject, email })
  return typeof listed !== 'string' && isDeepStrictEqual(grantOf(listed), had)
}

const NOT_GRANTED = { provider: 'not_listed', code: 'no_codes' } as const

const whyEnded = (
  session: Session,
  isExpired: boolean,
  address: Address,
  options: SessionsOptions
): Reason | undefined => {
  const { revocations, refusalOf, now } = options
  const { id, reauthenticatedAt } = session
  const names = [sessionNamed(id), tokensNamed(id, reauthenticatedAt)]
  if (names.some(revocations.isRevoked)) return 'signed_out'
  if (isExpired || now() >= session.endsAtLatest * 1000) return 'expired'
  const means = meansOf(session)
  if (means !== 'key') return isGranted(session, options) ? undefined : NOT_GRANTED[means]
  const refusal = refusalOf(session.principal, address)
  return refusal && (refusal.reason ?? 'other_platform')
}

export const createSessions = (options: SessionsOptions): Sessions => {
  const { signer, revocations, now } = options
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

  const judge = (claims: unknown, isExpired: boolean, address: Address): Session | ProblemError => {
    const session = sessionIn(claims, options)
    if (session === undefined) return new ProblemError('session_required', {}, 'unreadable_session')
    const isOver = isExpired || now() >= session.endsAt * 1000
    const reason = whyEnded(session, isOver, address, options)
    return reason === undefined ? session : new RefusedSession(session, reason)
  }

  return {
    open: (principal) => begin({}, principal),

    openFor: (user) => begin({ user }),

    openByCode: (codeUser) => begin({ codeUser }),

    read: async (token, address) => {
      const opened = await signer().open(token, now())
      return judge(opened?.claims, opened?.isExpired === true, address)
    },

    reopen: (claims, address) => judge(claims, false, address),

    renew: issue,

    reauthenticate: async (session) => {
      const { id, reauthenticatedAt: before = 0 } = session
      await revocations.revoke(tokensNamed(id, before), now())
      // No two of them have the same mark: the former would end the latter.
      return issue({ ...session, reauthenticatedAt: Math.max(seconds(), before + 1) })
    },

    end: ({ id }) => revocations.revoke(sessionNamed(id), now())
  }
}
