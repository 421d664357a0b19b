/**
 * What a client reads again and again, made ready: its reference, parsed and decided. Rule: this holds for one set of rules
 * and for one client, whose key's mode is looked at each time; a refusal is not remembered, and is decided anew.
 */
import { LRUCache } from 'lru-cache'
import type { Caller } from '../core/caller.ts'
import { type ProblemError, toProblem } from '../core/problem.ts'
import { locatorOf, type Reference } from '../core/reference.ts'
import type { Locator } from '../core/secret.ts'
import type { Grant, Rules, Wanted } from './caller.ts'
import { authorize, parseWanted } from './decision.ts'
import type { Store } from './stores.ts'

export interface Prepared {
  readonly reference: Reference
  readonly locator: Locator
  readonly store: Store
}

/** For the record, which names the reference of a refused read too, if there is one. */
export interface Refused {
  readonly reference: Reference | undefined
  readonly refusal: ProblemError
}

export type Prepare = (
  rules: Rules,
  caller: Caller,
  wanted: Wanted,
  grant?: Grant
) => Prepared | Refused

const PREPARED_MAX = 10_000
/** Characters. What is longer is prepared for each read, so that nobody fills the memory with long names. */
const KEY_MAX = 512

/**
 * Each client has its own, since the time of an answer must not tell what others ask for. A version, field or text with a
 * line feed is refused and so never kept: the key of one request can not be that of another.
 */
const keyOf = ({ client }: Caller, { text, version = '', field = '' }: Wanted, grant?: Grant) =>
  `${grant === undefined ? 'rule' : 'grant'}\n${client}\n${version}\n${field}\n${text}`

const decide: Prepare = (rules, caller, wanted, grant) => {
  let reference: Reference | undefined
  try {
    reference = parseWanted(rules, caller, wanted, grant)
    const allowed = authorize(rules, caller, 'read', reference, grant)
    return { ...allowed, locator: locatorOf(allowed.reference) }
  } catch (error) {
    return { reference, refusal: toProblem(error) }
  }
}

export const createPrepare = (): Prepare => {
  const prepared = new LRUCache<string, Prepared>({ max: PREPARED_MAX })
  let inForce: Rules | undefined
  return (rules, caller, wanted, grant) => {
    if (rules !== inForce) {
      prepared.clear()
      inForce = rules
    }
    const key = keyOf(caller, wanted, grant)
    const known = prepared.get(key)
    if (known !== undefined && caller.mode.includes('r')) return known
    const decided = decide(rules, caller, wanted, grant)
    if (!('refusal' in decided) && key.length <= KEY_MAX) prepared.set(key, decided)
    return decided
  }
}
