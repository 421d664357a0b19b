/**
 * Why a client may or may not read a reference: each check in its order, with its verdict. Rule: the verdicts come from
 * the functions that decide, never from a twin of them; no store is asked, and no value is touched.
 */
import type { Caller } from '../core/caller.ts'
import { ProblemError } from '../core/problem.ts'
import { formatReference, locatorOf, type Reference } from '../core/reference.ts'
import { hasScope } from '../core/scope.ts'
import type { Locator } from '../core/secret.ts'
import type { Claims } from '../crypto/workload-token.ts'
import { type ExaminedKey, KEY_CHECKS, NETWORK } from '../keys/checks.ts'
import { type Delegation, delegationsOf } from '../keys/delegation.ts'
import { boundText, type Grant, isBound, isOf, isOfAccount, type Trust } from '../keys/trust.ts'
import { authorize, parseWanted } from './decision.ts'
import type { Rules, Wanted } from './terms.ts'

export interface Check {
  readonly check: string
  /** `open`: only asking the store decides, which an explanation does not do. */
  readonly verdict: 'passes' | 'refuses' | 'open'
  readonly detail: string
  /** The policy that decided: its place in the list, from 0, and the pattern as it was written. */
  readonly rule?: { readonly index: number; readonly pattern: string }
}

export interface Explanation {
  readonly client: string
  readonly keyId?: string
  /** In the canonical form; absent if the reference leads to no configured store. */
  readonly reference?: string
  /** False if a check refuses; true if the read is allowed, should no open check refuse it. */
  readonly allowed: boolean
  readonly checks: readonly Check[]
  /** What keys of the client may issue by delegations; absent if there are none, and for a key that a key issued. */
  readonly delegations?: ReturnType<typeof delegationsOf>
}

/** Somebody who would log in by the trust, with a token that says this. */
interface LoginAsked {
  readonly trust: Trust
  /** Undefined: whatever the trust asks for. */
  readonly claims?: Claims | undefined
}

export interface ExplainRequest {
  /** With a client alone, the explanation is as if the client had a key in force, with scope and mode. */
  readonly who: { readonly client: string } | { readonly key: ExaminedKey } | LoginAsked
  readonly wanted: Wanted
}

export interface ExplainDeps {
  readonly rules: Rules
  /** What a key needs for reading secrets: `<SCOPE_ROOT>:secrets`. */
  readonly scope: string
  /** Undefined if there is no cache to look into. */
  readonly cacheState?: (store: string, locator: Locator) => string
  readonly delegations?: readonly Delegation[]
  /** Undefined if the health of stores is not known. */
  readonly healthOf?: (store: string) => string | undefined
}

const passes = (check: string, detail: string): Check => ({ check, verdict: 'passes', detail })
const refuses = (check: string, detail: string): Check => ({ check, verdict: 'refuses', detail })
const open = (check: string, detail: string): Check => ({ check, verdict: 'open', detail })

const explainNetwork = (
  principal: ExaminedKey['principal'],
  address: ExaminedKey['address']
): Check => {
  const { check, holds } = NETWORK
  if (principal?.networks === undefined) return passes(check, 'it may be used from anywhere')
  const bound = `it may be used from ${principal.networks.join(', ')}`
  return address === undefined ? open(check, bound) : passes(check, holds)
}

const explainRights = (
  { scopes, mode }: Pick<Grant, 'scopes' | 'mode'>,
  scope: string
): Check[] => {
  const needed = `needs ${scope}, the key has ${scopes.join(' ')}`
  const needsRead = `needs r, the key has ${mode}`
  return [
    hasScope(scopes, scope) ? passes('scope', needed) : refuses('scope', needed),
    mode.includes('r') ? passes('mode', needsRead) : refuses('mode', needsRead)
  ]
}

const explainKey = ({ principal, refusal, address }: ExaminedKey, scope: string): Check[] => {
  const checks: Check[] = []
  for (const one of KEY_CHECKS) {
    if (one === refusal) return [...checks, refuses(one.check, one.fails)]
    checks.push(one === NETWORK ? explainNetwork(principal, address) : passes(one.check, one.holds))
  }
  if (principal === undefined) return [refuses('key', 'it is not accepted')]
  return [...checks, ...explainRights(principal, scope)]
}

const explainClaims = ({ kind, issuer, bind, ...trust }: Trust, claims: Claims): Check[] => {
  const of = (check: string, isSo: boolean, detail: string): Check =>
    isSo ? passes(check, detail) : refuses(check, detail)
  const account = 'the subject has to be the account of the other claims'
  return [
    of('issuer', isOf({ kind, issuer }, claims), `the token has to be of ${issuer}`),
    ...(kind === 'service-account' ? [of('account', isOfAccount(claims), account)] : []),
    ...bind.map((one) => of('bind', isBound({ bind: [one] }, claims), `needs ${boundText(one)}`)),
    open('token', `${trust.audience} has to be its audience; signature and times are not looked at`)
  ]
}

const explainTrust = ({ trust, claims }: LoginAsked, scope: string): Check[] => {
  const { name, issuer, bind, grant } = trust
  const { client, ttlSeconds } = grant
  const said = [`of ${issuer}`, ...bind.map(boundText)].join(', ')
  return [
    passes('trust', `${name} gives keys of ${client}, for ${ttlSeconds} s at most`),
    ...(claims === undefined
      ? [open('token', `it has to be ${said}`)]
      : explainClaims(trust, claims)),
    ...explainRights(grant, scope)
  ]
}

const parse = (rules: Rules, caller: Caller, wanted: Wanted): Reference | Check => {
  try {
    return (
      parseWanted(rules, caller, wanted) ??
      refuses('reference', 'it leads to no configured store and is no configured name')
    )
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    return refuses('reference', error.reason ?? error.details.detail ?? error.message)
  }
}

/** From when on the rule allows nothing. */
const endOf = (until: number | undefined): string =>
  until === undefined ? '' : `, which ends at ${new Date(until).toISOString()}`

const explainEnded = ({ policy }: Rules, { client }: Caller, reference: Reference): Check => {
  const none = `no rule lets ${client} read it`
  const { rule, until } = policy.decideEnded(client, 'read', reference)
  if (rule === undefined || until === undefined) return refuses('policy', none)
  const at = new Date(until).toISOString()
  return refuses('policy', `${none}: rule ${rule.index}, ${rule.pattern}, ended at ${at}`)
}

const explainReference = (deps: ExplainDeps, caller: Caller, reference: Reference): Check[] => {
  const { rules, cacheState, healthOf } = deps
  const { rule, until } = rules.policy.decide(caller.client, 'read', reference)
  const checks = [passes('reference', formatReference(reference))]
  const store = rules.stores.get(reference.store)
  if (store === undefined) return [...checks, refuses('store', 'it is not configured')]
  checks.push(passes('store', `${reference.store}, of kind ${store.spec.plugin.kind}`))
  checks.push(
    rule === undefined
      ? explainEnded(rules, caller, reference)
      : { ...passes('policy', `rule ${rule.index}: ${rule.pattern}${endOf(until)}`), rule }
  )
  if (rule === undefined) return checks
  const tags = [...store.spec.requireTags].map(([name, value]) => `${name}=${value}`)
  checks.push(
    tags.length === 0
      ? passes('tags', 'none are asked for')
      : open('tags', `the store has to say ${tags.join(', ')}`)
  )
  if (cacheState !== undefined) {
    checks.push(open('cache', cacheState(reference.store, locatorOf(reference))))
  }
  checks.push(open('health', healthOf?.(reference.store) ?? 'not known'))
  return checks
}

const mayRead = (rules: Rules, caller: Caller, reference: Reference | undefined): boolean =>
  !(authorize(rules, caller, 'read', reference) instanceof ProblemError)

const checksOf = (who: ExplainRequest['who'], scope: string): Check[] => {
  if ('key' in who) return explainKey(who.key, scope)
  return 'trust' in who ? explainTrust(who, scope) : []
}

const bearerOf = (who: ExplainRequest['who']): Pick<Grant, 'client' | 'mode'> => {
  if ('client' in who) return { client: who.client, mode: 'r' }
  return 'trust' in who ? who.trust.grant : (who.key.principal ?? { client: '', mode: 'r' })
}

export const explain = (deps: ExplainDeps, { who, wanted }: ExplainRequest): Explanation => {
  const { rules, scope } = deps
  const principal = 'key' in who ? who.key.principal : undefined
  const keyChecks = checksOf(who, scope)
  const { client, mode } = bearerOf(who)
  const caller = { client, mode, route: 'explain', requestId: '', address: '' }
  if ('key' in who && principal === undefined) return { client, allowed: false, checks: keyChecks }
  const parsed = parse(rules, caller, wanted)
  const reference = 'check' in parsed ? undefined : parsed
  const checks = [
    ...keyChecks,
    ...('check' in parsed ? [parsed] : explainReference(deps, caller, parsed))
  ]
  const { delegations = [] } = deps
  const mine = principal?.via === undefined ? delegationsOf(delegations, client) : []
  return {
    client,
    ...(mine.length > 0 && { delegations: mine }),
    ...(principal !== undefined && { keyId: principal.keyId }),
    ...(reference !== undefined && { reference: formatReference(reference) }),
    allowed:
      mayRead(rules, caller, reference) && checks.every(({ verdict }) => verdict !== 'refuses'),
    checks
  }
}
