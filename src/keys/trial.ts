/**
 * Which of the trusts takes a token, if just one does. Rule: it is looked at as each of them says, and a refusal is one to
 * whoever brought it; why, the record knows.
 */
import { ProblemError } from '../core/problem.ts'
import type { Reason } from '../core/reason.ts'
import { type UnverifiedToken, type VerifiedToken, verifyToken } from '../crypto/workload-token.ts'
import type { HeldKeys } from './issuer-keys.ts'
import { isBound, isOfAccount, type Trust } from './trust.ts'

/** Of a token, for the record. */
export interface TokenFacts {
  readonly trust?: string | undefined
  readonly issuer?: string | undefined
  /** Of a verified token alone. */
  readonly subject?: string | undefined
  readonly tokenId?: string | undefined
}

/** The caller sees one answer; the record says why, and whose token it was as far as that is known. */
export class RefusedLogin extends ProblemError {
  readonly facts: TokenFacts

  constructor(reason: Reason, facts: TokenFacts = {}) {
    super('access_denied', {}, reason)
    this.facts = facts
  }
}

export interface TrialOptions {
  readonly keysOf: (trust: Trust) => HeldKeys
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface Candidate {
  readonly trust: Trust
  readonly token: VerifiedToken
}

export const factsOf = ({ name, issuer }: Trust, token?: VerifiedToken): TokenFacts => ({
  trust: name,
  issuer,
  subject: token?.subject,
  tokenId: token?.tokenId
})

export const unanswered = (detail: string): ProblemError =>
  new ProblemError('store_unavailable', { detail })

const ISSUER_AWAY = 'the issuer of the token cannot be asked for its keys'

/** What the token says for this trust, or why it is not taken. */
const verify = async (
  { keysOf, now }: TrialOptions,
  trust: Trust,
  token: UnverifiedToken
): Promise<Candidate | RefusedLogin> => {
  const { algorithms, audience, issuer, kind, maxTokenAgeSeconds } = trust
  const taken: readonly string[] = algorithms
  if (!taken.includes(token.algorithm)) return new RefusedLogin('token_algorithm', factsOf(trust))
  const keys = await keysOf(trust)
    .forKey(token.kid)
    .catch(() => {
      throw unanswered(ISSUER_AWAY)
    })
  const expected = {
    issuer: kind === 'spiffe' ? undefined : issuer,
    audience,
    algorithms,
    maxAgeSeconds: maxTokenAgeSeconds,
    saysWhenIssued: kind !== 'spiffe'
  }
  const verified = await verifyToken(token, keys, expected, now())
  if (typeof verified === 'string') return new RefusedLogin(verified, factsOf(trust))
  const facts = factsOf(trust, verified)
  if (kind === 'service-account' && !isOfAccount(verified.claims)) {
    return new RefusedLogin('token_contradicts', facts)
  }
  if (!isBound(trust, verified.claims)) return new RefusedLogin('token_not_bound', facts)
  return { trust, token: verified }
}

const SPOILT: ReadonlySet<unknown> = new Set(['token_signature', 'token_unknown_key'])

/** The one trust that takes the token. Its signature is looked at with each set of keys until one does not fit. */
export const choose = async (
  options: TrialOptions,
  candidates: readonly Trust[],
  token: UnverifiedToken
): Promise<Candidate | RefusedLogin> => {
  let found: Candidate | undefined
  let refusal: RefusedLogin | undefined
  const spoilt = new Set<HeldKeys>()
  for (const trust of candidates) {
    const keys = options.keysOf(trust)
    if (spoilt.has(keys)) continue
    const outcome = await verify(options, trust, token)
    if (outcome instanceof RefusedLogin) {
      if (SPOILT.has(outcome.reason)) spoilt.add(keys)
      // Of several, the one that knows most of it.
      if (refusal?.facts.subject === undefined) refusal = outcome
    } else if (found === undefined) found = outcome
    else return new RefusedLogin('several_trusts', factsOf(trust, outcome.token))
  }
  return found ?? refusal ?? new RefusedLogin('unknown_issuer')
}
