/**
 * Login with a token that somebody else signed: the one way from there to an API key, whichever door it comes by. Rule: a
 * token of no configured issuer makes nobody ask anything; all refusals are one to whoever brought the token, and the record
 * knows why; and the key has no more than its trust grants, and ends with the token.
 */
import type { Recorder } from '../audit/recorder.ts'
import type { Arrival } from '../core/caller.ts'
import type { Environment } from '../core/principal.ts'
import { ProblemError } from '../core/problem.ts'
import { hasScope } from '../core/scope.ts'
import { takeApart } from '../crypto/workload-token.ts'
import type { IssuedKey } from './api-key.ts'
import type { Issuing } from './issuing.ts'
import type { TokenReview } from './token-review.ts'
import {
  type Candidate,
  choose,
  factsOf,
  RefusedLogin,
  type TrialOptions,
  unanswered
} from './trial.ts'
import { isOf, originOf, type Trust } from './trust.ts'

export { RefusedLogin } from './trial.ts'

export interface LoginAsked {
  /** The name of a trust; found by the token's issuer if absent. */
  readonly trust?: string | undefined
  /** Of what the trust grants; all of it if absent. */
  readonly scopes?: readonly string[] | undefined
  /** As RFC 8693 has it: whom the key is for, which can only be the audience of the trust. */
  readonly audience?: string | undefined
}

export interface LoggedIn extends IssuedKey {
  /** The trust's name. */
  readonly trust: string
  /** Until the key ends. */
  readonly expiresInSeconds: number
}

export interface Login {
  /**
   * On record when it resolves with a key. A refusal is given back and on no record yet: whoever has the request counts it
   * and records it (`http/log-in.ts`). Rejects with a ProblemError for what is no fault of the token.
   */
  readonly exchange: (
    arrival: Arrival,
    token: string,
    asked?: LoginAsked
  ) => Promise<LoggedIn | RefusedLogin>
}

export interface LoginOptions extends TrialOptions {
  readonly trusts: () => readonly Trust[]
  readonly review: TokenReview
  readonly issuing: Pick<Issuing, 'issueByTrust'>
  readonly recorder: Pick<Recorder, 'allowed' | 'failed'>
  /** Of this service, which the keys are for. */
  readonly environment: Environment
}

/** Logins under way at once, of which each may wait for an issuer. */
const AT_ONCE = 256
const API_SERVER_AWAY = 'the API server cannot be asked about the token'

const narrowed = (granted: readonly string[], asked: readonly string[] | undefined) => {
  if (asked === undefined) return granted
  if (asked.length > 0 && asked.every((scope) => hasScope(granted, scope))) {
    return [...new Set(asked)]
  }
  throw new ProblemError('insufficient_scope', {
    detail: 'the trust does not grant such a scope'
  })
}

const issue = async (
  options: LoginOptions,
  arrival: Arrival,
  { trust, token }: Candidate,
  asked: LoginAsked
): Promise<LoggedIn> => {
  const { recorder, issuing, environment, now } = options
  const { grant, name } = trust
  const { trust: _, ...facts } = factsOf(trust, token)
  const told = { ...facts, object: `trust ${name}` }
  let issued: IssuedKey
  try {
    if (asked.audience !== undefined && asked.audience !== trust.audience) {
      throw new ProblemError('invalid_request', {
        detail: 'a key is for this service alone',
        errors: [{ pointer: '/body/audience', rule: 'const' }]
      })
    }
    issued = await issuing.issueByTrust(originOf(name), {
      client: grant.client,
      scopes: narrowed(grant.scopes, asked.scopes),
      mode: grant.mode,
      environment,
      lifetimeSeconds: grant.ttlSeconds,
      endsBy: token.expiresAt
    })
  } catch (error) {
    throw await recorder.failed(
      { ...arrival, client: grant.client },
      'key.login',
      undefined,
      error,
      told
    )
  }
  const { client, keyId, kid, expiresAt = 0 } = issued.principal
  const who = { ...arrival, client, keyId, kid }
  await recorder.allowed(who, 'key.login', undefined, told)
  return { ...issued, trust: name, expiresInSeconds: expiresAt - Math.floor(now() / 1000) }
}

const isReviewed = (
  { review }: LoginOptions,
  { trust, token }: Candidate,
  text: string
): Promise<boolean> => {
  if (trust.review === undefined) return Promise.resolve(true)
  return review(trust, text, token).catch(() => {
    throw unanswered(API_SERVER_AWAY)
  })
}

export const createLogin = (options: LoginOptions): Login => {
  const { trusts, now } = options
  let underWay = 0

  const exchange: Login['exchange'] = async (arrival, given, asked = {}) => {
    // Files and shells put a line break at a token's end.
    const text = given.replace(/\r?\n$/, '')
    const token = takeApart(text)
    if (typeof token === 'string') return new RefusedLogin(token)
    const ofIssuer = trusts().filter((trust) => isOf(trust, token.claims))
    if (ofIssuer.length === 0) return new RefusedLogin('unknown_issuer')
    const named = ofIssuer.filter(({ name }) => asked.trust === undefined || asked.trust === name)
    if (named.length === 0) return new RefusedLogin('unknown_trust')
    const chosen = await choose(options, named, token)
    if (chosen instanceof RefusedLogin) return chosen
    const facts = factsOf(chosen.trust, chosen.token)
    if (!(await isReviewed(options, chosen, text))) {
      return new RefusedLogin('token_reviewed_out', facts)
    }
    // It may have ended within the tolerance for clocks, or while others were asked.
    if (chosen.token.expiresAt * 1000 <= now()) return new RefusedLogin('token_not_in_force', facts)
    return issue(options, arrival, chosen, asked)
  }

  return {
    exchange: async (arrival, token, asked) => {
      if (underWay >= AT_ONCE) throw new ProblemError('overloaded')
      underWay++
      try {
        return await exchange(arrival, token, asked)
      } finally {
        underWay--
      }
    }
  }
}
