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
import { displacedBy, type ListedSession, listOpen } from './open-sessions.ts'
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
import type { SessionRegister } from './session-register.ts'
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
  readonly register: SessionRegister
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** As `administrators:` has it now. */
  readonly administratorOf: AdministratorOf
  /** Whom a code signs in here; undefined where there are none. */
  readonly codeUser?: CodeUser | undefined
}

export interface IssuedSession {
  readonly session: Session
  /** For the cookie: shown to nobody else. */
  readonly token: string
}

export interface OpenedSession extends IssuedSession {
  /** Sessions that had to end for it. */
  readonly displaced: readonly Session[]
}

export interface Sessions {
  /** Of a key that is accepted. Each `address` is from where it is asked for, to be listed with the session. */
  readonly open: (principal: Principal, address?: string) => Promise<OpenedSession>
  /** Of somebody who signed in at a provider. */
  readonly openFor: (user: SignedInUser, address?: string) => Promise<OpenedSession>
  /** Of somebody who had a code. */
  readonly openByCode: (user: CodeUser, address?: string) => Promise<OpenedSession>
  /**
   * `session_required` for what is no token of ours, and `session_expired` for one that ended: given back rather than
   * thrown, since anybody can make them come.
   */
  readonly read: (token: string, address: Address) => Promise<Session | ProblemError>
  /** By claims of a session (`claimsOf`) that were kept elsewhere than in its own token. */
  readonly reopen: (claims: unknown, address: Address) => Session | ProblemError
  /** Begins its idle time anew. */
  readonly renew: (session: Session, address?: string) => Promise<IssuedSession>
  /** Notes that whoever is signed in has proven it once more, in a new token: those before count no more. */
  readonly reauthenticate: (session: Session, address?: string) => Promise<IssuedSession>
  /** Everywhere; in force here when it resolves. */
  readonly end: (session: Pick<Session, 'id'> & Partial<Session>) => Promise<Revocation>
  /** All that are open, the newest first. Rejects where that cannot be read. */
  readonly list: () => Promise<readonly ListedSession[]>
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

const createJudge =
  (options: SessionsOptions) =>
  (claims: unknown, isExpired: boolean, address: Address): Session | ProblemError => {
    const session = sessionIn(claims, options)
    if (session === undefined) return new ProblemError('session_required', {}, 'unreadable_session')
    const isOver = isExpired || options.now() >= session.endsAt * 1000
    const reason = whyEnded(session, isOver, address, options)
    return reason === undefined ? session : new RefusedSession(session, reason)
  }

/** A session that begins, and whose token is still to be signed. */
const started = (
  who: Pick<Session, 'user' | 'codeUser'>,
  shown: Principal | undefined,
  signedInAt: number,
  options: SessionsOptions
): Session => {
  const begun = { id: randomUUID(), signedInAt }
  const principal = shown ?? grantedTo(who, begun, options)
  if (principal === undefined) throw new Error('a session is of somebody')
  return {
    ...begun,
    ...who,
    principal,
    csrfToken: randomBytes(16).toString('base64url'),
    renewedAt: signedInAt,
    endsAt: signedInAt,
    endsAtLatest: latestEnd(signedInAt, principal)
  }
}

export const createSessions = (options: SessionsOptions): Sessions => {
  const { signer, revocations, register, now } = options
  const seconds = (): number => Math.floor(now() / 1000)

  const issue = async (begun: Session, address: Address): Promise<IssuedSession> => {
    const renewedAt = seconds()
    const endsAt = Math.min(renewedAt + SESSION_IDLE_SECONDS, begun.endsAtLatest)
    const session = { ...begun, renewedAt, endsAt }
    const token = await signer().sign(claimsOf(session))
    await register.note(session, address)
    return { session, token }
  }

  const judge = createJudge(options)

  const list = (): Promise<readonly ListedSession[]> => listOpen({ register, judge, now })

  const end: Sessions['end'] = async ({ id, endsAtLatest }) => {
    const ended = await revocations.revoke(sessionNamed(id), now())
    if (endsAtLatest !== undefined) await register.forget({ id, endsAtLatest })
    return ended
  }

  /** Where it cannot be told of whom there are too many, the next sign-in does. */
  const makeRoom = async (opened: Session): Promise<readonly Session[]> => {
    const displaced = displacedBy(opened, await list().catch(() => []))
    for (const session of displaced) await end(session)
    return displaced
  }

  const begin = async (
    who: Pick<Session, 'user' | 'codeUser'>,
    address: Address,
    shown?: Principal
  ): Promise<OpenedSession> => {
    const issued = await issue(started(who, shown, seconds(), options), address)
    return { ...issued, displaced: await makeRoom(issued.session) }
  }

  return {
    open: (principal, address) => begin({}, address, principal),

    openFor: (user, address) => begin({ user }, address),

    openByCode: (codeUser, address) => begin({ codeUser }, address),

    read: async (token, address) => {
      const opened = await signer().open(token, now())
      return judge(opened?.claims, opened?.isExpired === true, address)
    },

    reopen: (claims, address) => judge(claims, false, address),

    renew: issue,

    reauthenticate: async (session, address) => {
      const { id, reauthenticatedAt: before = 0 } = session
      await revocations.revoke(tokensNamed(id, before), now())
      // No two of them have the same mark: the former would end the latter.
      const reauthenticatedAt = Math.max(seconds(), before + 1)
      return issue({ ...session, reauthenticatedAt }, address)
    },

    end,

    list
  }
}
