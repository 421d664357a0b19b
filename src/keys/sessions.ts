/**
 * Administrators' sessions: who is signed in, in a token that a browser keeps. Rule: a session has what its key has and
 * no more, and whatever ends or binds the key (its end, its revocation, its networks) is looked at on every request.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { Compile, type XStatic } from 'typebox/schema'
import { type Environment, MODES, type Principal } from '../core/principal.ts'
import { ProblemError } from '../core/problem.ts'
import type { Reason } from '../core/reason.ts'
import type { TokenSigner } from '../crypto/session-token.ts'
import { payloadOf, principalIn } from './api-key.ts'
import type { Authenticator } from './authenticator.ts'
import type { Address } from './checks.ts'
import { KEY_ID } from './key-id.ts'
import { REAUTHENTICATED_SECONDS, SESSION_IDLE_SECONDS, SESSION_MAX_SECONDS } from './lifetime.ts'
import { type Revocation, type Revocations, sessionNamed } from './revocations.ts'
import type { Administrator } from './sign-in.ts'

/** Of the tokens, to be told apart from whatever else one may sign with the same secret. */
export const SESSION_TOKEN = { typ: 'purser-session+jwt', issuer: 'purser' } as const
export const sessionAudience = (environment: Environment): string =>
  `purser-sessions:${environment}`

export interface Session {
  /** UUID. */
  readonly id: string
  /** What it may. Where nobody showed a key, its `keyId` is the id of the session. */
  readonly principal: Principal
  /** Who signed in at a provider; absent where a key did. */
  readonly user?: Administrator
  /** What a page sends beside the cookie with whatever changes something. */
  readonly csrfToken: string
  /** When whoever is signed in proved it. This and the ends are seconds since the epoch. */
  readonly signedInAt: number
  /** When whoever is signed in showed the key once more, if ever. */
  readonly reauthenticatedAt?: number
  /** When the token was signed. */
  readonly renewedAt: number
  /** Unless it is renewed. */
  readonly endsAt: number
  /** However often it is renewed. */
  readonly endsAtLatest: number
}

/** A token of ours that does not count, or no longer: the record says whose it was, and why. */
export class RefusedSession extends ProblemError {
  readonly session: Session

  constructor(session: Session, reason: Reason | undefined) {
    super('session_expired', {}, reason)
    this.session = session
  }
}

export interface SessionsOptions {
  /** Asked for at each operation: a reload may bring other secrets. */
  readonly signer: () => TokenSigner
  readonly refusalOf: Authenticator['refusalOf']
  readonly revocations: Pick<Revocations, 'isRevoked' | 'revoke'>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly environment: Environment
  readonly adminScope: string
  /** As `administrators:` lists the address now. */
  readonly administratorOf: (email: string) => Administrator | undefined
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
  /**
   * `session_required` for what is no token of ours, and `session_expired` for one that ended: given back rather than
   * thrown, since anybody can make them come.
   */
  readonly read: (token: string, address: Address) => Promise<Session | ProblemError>
  /** Begins its idle time anew. */
  readonly renew: (session: Session) => Promise<OpenedSession>
  /** Renews it, and notes that whoever is signed in has shown the key once more. */
  readonly reauthenticate: (session: Session) => Promise<OpenedSession>
  /** Everywhere; in force here when it resolves. */
  readonly end: (session: Pick<Session, 'id'>) => Promise<Revocation>
}

const Claims = {
  type: 'object',
  properties: {
    jti: { type: 'string', pattern: KEY_ID },
    iat: { type: 'integer', minimum: 0 },
    exp: { type: 'integer', minimum: 0 },
    auth_time: { type: 'integer', minimum: 0 },
    reauth_time: { type: 'integer', minimum: 0 },
    csrf: { type: 'string', pattern: '^[A-Za-z0-9_-]{22}$' },
    key: { type: 'object' },
    user: {
      type: 'object',
      properties: {
        email: { type: 'string' },
        client: { type: 'string' },
        mode: { enum: MODES }
      },
      required: ['email', 'client', 'mode'],
      additionalProperties: false
    }
  },
  required: ['jti', 'iat', 'exp', 'auth_time', 'csrf']
} as const
type Claims = XStatic<typeof Claims>

const claimsShape = Compile(Claims)

const latestEnd = (signedInAt: number, { expiresAt }: Principal): number =>
  Math.min(signedInAt + SESSION_MAX_SECONDS, expiresAt ?? Number.POSITIVE_INFINITY)

type Rules = Pick<SessionsOptions, 'environment' | 'adminScope'>

/** It ends by itself in no time of a key: a key that is issued in the session may outlive that. */
const principalOf = (
  { client, mode }: Administrator,
  id: string,
  signedInAt: number,
  { environment, adminScope }: Rules
): Principal => ({
  keyId: id,
  client,
  scopes: [adminScope],
  mode,
  environment,
  minimumVersion: '0.0.0',
  issuedAt: signedInAt,
  kid: ''
})

const sessionIn = (claims: unknown, rules: Rules): Session | undefined => {
  if (!claimsShape.Check(claims)) return undefined
  const { user, key } = claims
  const principal = user ? principalOf(user, claims.jti, claims.auth_time, rules) : principalIn(key)
  return (
    principal && {
      id: claims.jti,
      principal,
      ...(user && { user }),
      csrfToken: claims.csrf,
      signedInAt: claims.auth_time,
      ...(claims.reauth_time !== undefined && { reauthenticatedAt: claims.reauth_time }),
      renewedAt: claims.iat,
      endsAt: claims.exp,
      endsAtLatest: latestEnd(claims.auth_time, principal)
    }
  )
}

const claimsOf = (session: Session): Claims => ({
  jti: session.id,
  iat: session.renewedAt,
  exp: session.endsAt,
  auth_time: session.signedInAt,
  ...(session.reauthenticatedAt !== undefined && { reauth_time: session.reauthenticatedAt }),
  csrf: session.csrfToken,
  ...(session.user ? { user: session.user } : { key: payloadOf(session.principal) })
})

/** Until when it counts that the key was shown once more, in seconds since the epoch; 0 where it never was. */
export const reauthenticatedUntil = ({ reauthenticatedAt }: Session): number =>
  reauthenticatedAt === undefined ? 0 : reauthenticatedAt + REAUTHENTICATED_SECONDS

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
    id: string,
    principal: Principal,
    user?: Administrator
  ): Promise<OpenedSession> => {
    const signedInAt = seconds()
    return issue({
      id,
      principal,
      ...(user && { user }),
      csrfToken: randomBytes(16).toString('base64url'),
      signedInAt,
      renewedAt: signedInAt,
      endsAt: signedInAt,
      endsAtLatest: latestEnd(signedInAt, principal)
    })
  }

  const whyEnded = (session: Session, isExpired: boolean, address: Address): Reason | undefined => {
    if (revocations.isRevoked(sessionNamed(session.id))) return 'signed_out'
    if (isExpired || now() >= session.endsAtLatest * 1000) return 'expired'
    const { user } = session
    if (user !== undefined) {
      const listed = administratorOf(user.email)
      const isSame = listed?.client === user.client && listed.mode === user.mode
      return isSame ? undefined : 'not_listed'
    }
    const refusal = refusalOf(session.principal, address)
    return refusal && (refusal.reason ?? 'other_platform')
  }

  return {
    open: (principal) => begin(randomUUID(), principal),

    openFor: ({ email, client, mode }) => {
      const id = randomUUID()
      const user = { email, client, mode }
      return begin(id, principalOf(user, id, seconds(), options), user)
    },

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
