/**
 * What `policies:` and `secrets:` of `purser.yaml` say of stores. Rule: a pattern or a reference that is wrong or leads
 * nowhere is told at its own place, and what leads to a store that is itself at fault is not: that would only repeat
 * the fault.
 */
import type { PolicyRule } from '../core/policy.ts'
import { isSecretName, parseReference, type ReferenceBook } from '../core/reference.ts'
import type { Report } from '../core/shape.ts'
import { parseUntil } from '../core/until.ts'
import { kindOf } from '../kinds/catalog.ts'
import { compilePolicy, isStoreName } from '../kinds/references.ts'

/** Any part of it may be missing: what has the wrong shape is undefined. */
export type Sound<T> = T extends readonly (infer U)[]
  ? readonly (Sound<U> | undefined)[]
  : T extends object
    ? { readonly [K in keyof T]?: Sound<T[K]> | undefined }
    : T

/** Entries of a list with their places in it, as far as they have their shape. */
export type SoundEntries<T> = readonly (readonly [index: number, entry: Sound<T>])[]

/** What is configured, and what of it is at fault itself and told already: nothing else is said of what leads there. */
export interface KnownStores {
  /** Kinds by the names of stores; undefined for a store whose kind is not known. */
  readonly kinds: ReadonlyMap<string, string | undefined>
  /** Names of stores that are at fault. */
  readonly faulty: ReadonlySet<string>
  /** A store at fault has no name that could be read: any unknown one may be its. */
  readonly isUnnamed: boolean
}

/** One name or several, without what is at fault. */
const namesIn = (client: Sound<PolicyRule['client']> | undefined): string[] =>
  [client].flat().filter((name) => name !== undefined)

const storeOfPattern = (pattern: string): string => pattern.slice(0, pattern.indexOf(':'))

/** Whether a reference leads nowhere only because of a store that is at fault. */
export const excuses =
  ({ kinds, faulty, isUnnamed }: KnownStores) =>
  (text = ''): boolean => {
    if (isUnnamed) return true
    const store = storeOfPattern(text)
    if (faulty.has(store)) return true
    // An ARN, a URL and the like tell by their stores' settings where they lead.
    return faulty.size > 0 && !kinds.has(store) && !isStoreName(store)
  }

const LISTS = ['read', 'write', 'bots', 'channels'] as const

const faultOfPattern = (
  list: (typeof LISTS)[number],
  pattern: string,
  { kinds, isUnnamed }: KnownStores
): string | undefined => {
  try {
    compilePolicy([{ client: '*', [list]: [pattern] }])
  } catch (error) {
    return `is not understood: ${(error as Error).message}`
  }
  if (list !== 'read' && list !== 'write') return undefined
  const store = storeOfPattern(pattern)
  const path = pattern.replace(/#.*$/, '')
  if (!kinds.has(store)) return isUnnamed ? undefined : 'names a store that is not configured'
  if (list === 'write' && pattern.includes('#')) {
    return 'never matches: a write is of a whole secret, not of a field'
  }
  const spelling = kindOf(kinds.get(store) ?? '')?.paths.spelling
  if (spelling !== undefined && path !== spelling.of(path)) {
    return `never matches: ${spelling.rule}`
  }
  return undefined
}

export const checkPolicies = (
  policies: SoundEntries<PolicyRule>,
  known: KnownStores,
  report: Report
): void => {
  for (const [index, rule] of policies) {
    const at = ['policies', index]
    const clients = namesIn(rule.client)
    try {
      if (clients.length > 0) compilePolicy([{ client: clients }])
    } catch (error) {
      report([...at, 'client'], `is not understood: ${(error as Error).message}`)
    }
    if (rule.until !== undefined && parseUntil(rule.until) === undefined) {
      report(
        [...at, 'until'],
        'must be a day such as 2027-01-31, at whose end in UTC the rule ends, or a moment such as 2027-01-31T18:00:00Z'
      )
    }
    for (const list of LISTS) {
      rule[list]?.forEach((pattern, place) => {
        const fault = pattern === undefined ? pattern : faultOfPattern(list, pattern, known)
        if (fault !== undefined) report([...at, list, place], fault)
      })
    }
  }
}

export const checkNames = (
  names: ReadonlyMap<string, string>,
  book: ReferenceBook,
  isExcused: (text: string) => boolean,
  report: Report
): void => {
  for (const [name, text] of names) {
    const at = ['secrets', name]
    if (!isSecretName(name)) report(at, 'must be letters, digits, dots, underscores and hyphens')
    else if (name === 'batch') report(at, 'is taken by the route /v1/secrets/batch')
    else if (isSecretName(text)) report(at, 'must be a reference, not another name')
    else {
      try {
        const leadsNowhere = parseReference(text, book) === undefined
        if (leadsNowhere && !isExcused(text)) report(at, 'leads to no configured store')
      } catch (error) {
        report(at, (error as Error).message)
      }
    }
  }
}
