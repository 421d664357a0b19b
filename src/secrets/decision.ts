/**
 * The decision: before the cache, before any question of existence. Rule: a refused caller learns nothing of what is
 * configured or stored; the reason goes to the record alone.
 */
import { LRUCache } from 'lru-cache'
import type { Caller } from '../core/caller.ts'
import type { Decision, PolicyAction } from '../core/policy.ts'
import { denied, ProblemError } from '../core/problem.ts'
import {
  locatorOf,
  type Prefix,
  parsePrefix,
  parseReference,
  type Reference
} from '../core/reference.ts'
import { decodePath } from '../core/reference-text.ts'
import type { Locator } from '../core/secret.ts'
import { createReferenceBook } from '../kinds/references.ts'
import type { Store } from './stores.ts'
import type { Grant, Rules, Wanted, Within } from './terms.ts'

const EMPTY_BOOK = createReferenceBook([], new Map())

const isReadable = (wanted: Wanted): boolean => {
  try {
    parseReference(wanted.text, EMPTY_BOOK, wanted)
    return true
  } catch {
    return false
  }
}

/** Whether the client may read the secret that the text names, whatever is wrong with its version or field. */
const mayReadIt = ({ policy, book }: Rules, client: string, { text }: Wanted): boolean => {
  const [bare = ''] = text.split(/[?#]/, 1)
  const [store = ''] = bare.split(':', 1)
  const path = decodePath(bare.slice(store.length + 1)) ?? ''
  if (policy.isAllowed(client, 'read', { store, path })) return true
  try {
    const reference = parseReference(bare, book)
    return reference !== undefined && policy.isAllowed(client, 'read', reference)
  } catch {
    return false
  }
}

/** Whether a rule lets the client do anything there, or there may be a name that it may read. */
export const mayKnowOf = (
  { policy, stores, book }: Rules,
  client: string,
  within: Within
): boolean =>
  within.kind === 'names'
    ? book.names.size > 0 && policy.grantsOf(client).read.length > 0
    : stores.get(within.store) !== undefined && policy.mayReachBelow(client, within)

/** Whether whatever is wrong with it would be so for any store, and in any place that it was made for. */
const isPlainlyWrong = (rules: Rules, client: string, wanted: Wanted): boolean =>
  !isReadable(wanted) && (wanted.within === undefined || mayKnowOf(rules, client, wanted.within))

/**
 * Undefined if the reference leads to no configured store. Throws `invalid_reference`; if the reference is wrong only
 * because of how a store or a name is configured, that is told only to callers who may read the secret. So is what is
 * wrong with a reference of which the caller did not write all, unless the caller may know of the place.
 */
export const parseWanted = (
  rules: Rules,
  { client }: Caller,
  wanted: Wanted,
  grant?: Grant
): Reference | undefined => {
  try {
    return parseReference(wanted.text, rules.book, wanted)
  } catch (error) {
    if (
      grant !== undefined ||
      isPlainlyWrong(rules, client, wanted) ||
      mayReadIt(rules, client, wanted)
    ) {
      throw error
    }
    throw denied('invalid_for_its_store')
  }
}

/** Whether a rule lets the client read anything of the store: then it may know of the store and its kind. */
export const mayKnowStore = ({ policy }: Rules, client: string, store: string): boolean =>
  policy.grantsOf(client).read.some((pattern) => pattern.startsWith(`${store}:`))

const isReadablePrefix = (text: string): boolean => {
  try {
    parsePrefix(text, EMPTY_BOOK)
    return true
  } catch {
    return false
  }
}

/**
 * The same for a prefix: if it is wrong only because of the kind of its store, that is told only to callers who may
 * read something of the store.
 */
export const parseWantedPrefix = (
  rules: Rules,
  { client }: Caller,
  text: string
): Prefix | undefined => {
  try {
    return parsePrefix(text, rules.book)
  } catch (error) {
    const [store = ''] = text.split(':', 1)
    if (!isReadablePrefix(text) || mayKnowStore(rules, client, store)) throw error
    throw denied('invalid_for_its_store')
  }
}

export interface Allowed {
  readonly reference: Reference
  readonly store: Store
  /** What the store is asked for. */
  readonly locator: Locator
  /** What allows it; absent where a grant does. */
  readonly by?: Decision
}

/** A refusal, with the reference for the record, if there is one. */
export interface Refused {
  readonly reference: Reference | undefined
  readonly refusal: ProblemError
}

const hasMode = ({ mode }: Caller, action: PolicyAction): boolean =>
  mode.includes(action === 'read' ? 'r' : 'w')

/**
 * Gives `insufficient_mode` or `access_denied` back, since to throw costs a fifth of a read. With a grant no rule is
 * needed: then a reference that leads nowhere is the operator's mistake, `store_misconfigured`.
 */
export const authorize = (
  { policy, stores }: Rules,
  caller: Caller,
  action: PolicyAction,
  reference: Reference | undefined,
  grant?: Grant
): Allowed | ProblemError => {
  if (!hasMode(caller, action)) return new ProblemError('insufficient_mode')
  const nowhere = (): ProblemError =>
    grant === undefined
      ? denied('unknown_store')
      : new ProblemError('store_misconfigured', {}, 'unknown_store')
  if (reference === undefined) return nowhere()
  const isGranted = grant !== undefined && action === 'read'
  const by = isGranted ? undefined : policy.decide(caller.client, action, reference)
  if (by?.allowed === false) {
    const { allowed: hadBeen } = policy.decideEnded(caller.client, action, reference)
    return denied(hadBeen ? 'rule_ended' : 'no_rule')
  }
  const store = stores.get(reference.store)
  if (store === undefined) return nowhere()
  return { reference, store, locator: locatorOf(reference), ...(by !== undefined && { by }) }
}

/** Parses and authorizes. A refusal is returned, not thrown, with its reference. */
export const decide = (
  rules: Rules,
  caller: Caller,
  action: PolicyAction,
  wanted: Wanted,
  grant?: Grant
): Allowed | Refused => {
  let reference: Reference | undefined
  try {
    reference = parseWanted(rules, caller, wanted, grant)
    const decided = authorize(rules, caller, action, reference, grant)
    return decided instanceof ProblemError ? { reference, refusal: decided } : decided
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    // As whatever leads nowhere is refused to the same key.
    const isOfMode = error.code === 'access_denied' && !hasMode(caller, action)
    return { reference, refusal: isOfMode ? new ProblemError('insufficient_mode') : error }
  }
}

export type DecideRead = (
  rules: Rules,
  caller: Caller,
  wanted: Wanted,
  grant?: Grant
) => Allowed | Refused

const isInForce = ({ policy }: Rules, { by }: Allowed): boolean =>
  by?.until === undefined || policy.remainingMs(by) > 0

const REMEMBERED_MAX = 10_000
/** Characters. A read with a longer key is decided each time, so that nobody fills the memory with long names. */
const KEY_MAX = 512

/**
 * Decides reads, and remembers for each client what it may read, until the rules change or the one that
 * allowed it ends: to decide each time would cost
 * a tenth of a cached answer. The mode is the key's and is checked each time; a refusal is decided anew. Each client
 * has its own entries, since the time of an answer must not tell what others ask for.
 */
export const createDecideRead = (): DecideRead => {
  const remembered = new LRUCache<string, Allowed>({ max: REMEMBERED_MAX })
  let inForce: Rules | undefined
  return (rules, caller, wanted, grant) => {
    if (rules !== inForce) {
      remembered.clear()
      inForce = rules
    }
    const { text, version = '', field = '' } = wanted
    const by = grant === undefined ? 'rule' : 'grant'
    // No part of an allowed read has a line feed in it, so that two reads never have the same key.
    const key = `${by}\n${caller.client}\n${version}\n${field}\n${text}`
    const known = remembered.get(key)
    if (known !== undefined && caller.mode.includes('r') && isInForce(rules, known)) return known
    const decision = decide(rules, caller, 'read', wanted, grant)
    if (!('refusal' in decision) && key.length <= KEY_MAX) remembered.set(key, decision)
    return decision
  }
}
