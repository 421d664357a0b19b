/**
 * What each client may read and write. Rule: rules only allow; whatever none of them allows is denied, and so taking a
 * rule away never grants anything. A rule that has ended allows nothing.
 */
import {
  compileName,
  compilePattern,
  type Decision,
  type IsName,
  type NamePattern,
  type Pattern
} from './policy-pattern.ts'
import type { Reference } from './reference.ts'
import { parseUntil } from './until.ts'

export type { Decision }

/** A member of `policies:`. `client` is one name, several, or `*` for every client. */
export interface PolicyRule {
  readonly client: string | readonly string[]
  readonly read?: readonly string[]
  readonly write?: readonly string[]
  readonly bots?: readonly string[]
  readonly channels?: readonly string[]
  /** The day at whose end it ends, or the moment (`until.ts`); it never ends if absent. */
  readonly until?: string
}

export type PolicyAction = 'read' | 'write'

/** The lists of a rule that hold names, or patterns over them: there is no store before them. */

export type NameList = 'bots' | 'channels'

/** What the rules for a client say, in their order and without repetitions; the caller's own copy. */
export interface Grants {
  read: string[]
  write: string[]
  bots: string[]
  channels: string[]
}

type RequestedSecret = Pick<Reference, 'store' | 'path' | 'field'>

export interface Policy {
  /** Milliseconds for which a decision still holds; less than 1 once its rule has ended. */
  readonly remainingMs: (decision: Decision) => number
  /** The first rule that would allow it, had it not ended. */
  readonly decideEnded: Policy['decide']
  readonly isAllowed: (client: string, action: PolicyAction, reference: RequestedSecret) => boolean
  readonly decide: (client: string, action: PolicyAction, reference: RequestedSecret) => Decision
  /** Whether a rule for the client may allow it to read a whole secret whose path begins with this one and goes on. */
  readonly mayReadBelow: (client: string, start: Pick<Reference, 'store' | 'path'>) => boolean
  /** Whether a rule for the client allows it anything at all below the path: a field of a secret, or to write one. */
  readonly mayReachBelow: Policy['mayReadBelow']
  /** Whether a rule for the client names the bot or channel. */
  readonly mayUse: (client: string, list: NameList, name: string) => boolean
  readonly grantsOf: (client: string) => Grants
}

/** The name of a client; `*` is none. */
export const CLIENT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
export const isClientName = (text: string): boolean => CLIENT_NAME.test(text)

interface CompiledRule {
  readonly index: number
  readonly rule: PolicyRule
  readonly clients: readonly string[]
  readonly patterns: Readonly<Record<PolicyAction, readonly Pattern[]>>
  readonly names: Readonly<Record<NameList, readonly NamePattern[]>>
  readonly until: number
}

const EVERY_CLIENT = '*'

/** Undefined if it does not end. */
const endOf = ({ until }: PolicyRule): number | undefined => {
  if (until === undefined) return undefined
  const end = parseUntil(until)
  if (end !== undefined) return end
  throw new Error(
    'a rule ends on a day such as 2027-01-31, or at a moment such as 2027-01-31T18:00:00Z'
  )
}

const compileRule = (rule: PolicyRule, index: number, isStoreName: IsName): CompiledRule => {
  const clients = typeof rule.client === 'string' ? [rule.client] : rule.client
  if (
    clients.length === 0 ||
    !clients.every((name) => name === EVERY_CLIENT || isClientName(name))
  ) {
    throw new Error('a policy is for a client by its name, for a list of them, or for "*": all')
  }
  const end = endOf(rule)
  const compile = (pattern: string): Pattern => compilePattern(pattern, index, end, isStoreName)
  const compileNames = (list: readonly string[]): NamePattern[] =>
    list.map((pattern) => compileName(pattern, end))
  const { read = [], write = [], bots = [], channels = [] } = rule
  const patterns = { read: read.map(compile), write: write.map(compile) }
  const names = { bots: compileNames(bots), channels: compileNames(channels) }
  return { index, rule, clients, patterns, names, until: end ?? Number.POSITIVE_INFINITY }
}

const groupBy = <T>(
  items: readonly T[],
  keysOf: (item: T) => readonly string[]
): Map<string, T[]> => {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    for (const key of keysOf(item)) {
      const group = groups.get(key)
      if (group === undefined) groups.set(key, [item])
      else group.push(item)
    }
  }
  return groups
}

/** Patterns by action and store, in the order of the rules. */
type Index = Readonly<Record<PolicyAction, ReadonlyMap<string, readonly Pattern[]>>>

const indexOf = (rules: readonly CompiledRule[]): Index => {
  const patternsBy = (action: PolicyAction): ReadonlyMap<string, readonly Pattern[]> =>
    groupBy(
      rules.flatMap((rule) => rule.patterns[action]),
      (pattern) => [pattern.store]
    )
  return { read: patternsBy('read'), write: patternsBy('write') }
}

const namesOf = (
  rules: readonly CompiledRule[]
): Readonly<Record<NameList, readonly NamePattern[]>> => ({
  bots: rules.flatMap(({ names }) => names.bots),
  channels: rules.flatMap(({ names }) => names.channels)
})

const DENIED: Decision = { allowed: false }
const NO_PATTERNS: readonly Pattern[] = []

/**
 * `now` in milliseconds since the epoch. Throws `Error` with a sentence naming what is wrong in a rule; the caller knows
 * its place.
 */
export const compilePolicyWith = (
  rules: readonly PolicyRule[],
  isStoreName: IsName,
  now: () => number
): Policy => {
  const compiled = rules.map((rule, index) => compileRule(rule, index, isStoreName))
  const named = groupBy(compiled, (rule) => rule.clients)
  const forAll = named.get(EVERY_CLIENT) ?? []
  const rulesOf = (client: string): CompiledRule[] =>
    [...new Set([...(named.get(client) ?? []), ...forAll])].sort((a, b) => a.index - b.index)

  const indexes = new Map([...named.keys()].map((client) => [client, indexOf(rulesOf(client))]))
  const indexForAll = indexOf(forAll)

  const find = (
    client: string,
    action: PolicyAction,
    { store, path, field }: RequestedSecret,
    isEnded: boolean
  ): Decision => {
    const index = indexes.get(client) ?? indexForAll
    const time = now()
    for (const pattern of index[action].get(store) ?? NO_PATTERNS) {
      const allowsField = pattern.field === undefined || pattern.field === field
      if (pattern.until <= time === isEnded && allowsField && pattern.matches(path)) {
        return pattern.decision
      }
    }
    return DENIED
  }

  const decide: Policy['decide'] = (client, action, secret) => find(client, action, secret, false)

  const below = (
    action: PolicyAction,
    client: string,
    { store, path }: Pick<Reference, 'store' | 'path'>
  ): readonly Pattern[] => {
    const patterns = (indexes.get(client) ?? indexForAll)[action].get(store) ?? NO_PATTERNS
    const time = now()
    return patterns.filter(({ matches, until }) => until > time && matches.below(path))
  }
  const mayReadBelow: Policy['mayReadBelow'] = (client, start) =>
    below('read', client, start).some(({ field }) => field === undefined)
  const mayReachBelow: Policy['mayReachBelow'] = (client, start) =>
    below('read', client, start).length > 0 || below('write', client, start).length > 0

  const names = new Map([...named.keys()].map((client) => [client, namesOf(rulesOf(client))]))
  const namesForAll = namesOf(forAll)

  const mayUse: Policy['mayUse'] = (client, list, name) =>
    (names.get(client) ?? namesForAll)[list].some(
      ({ matches, until }) => until > now() && matches(name)
    )

  const grantsOf = (client: string): Grants => {
    const inForce = rulesOf(client).filter(({ until }) => until > now())
    const all = (list: keyof Grants): string[] => [
      ...new Set(inForce.flatMap(({ rule }) => rule[list] ?? []))
    ]
    return { read: all('read'), write: all('write'), bots: all('bots'), channels: all('channels') }
  }

  return {
    isAllowed: (client, action, reference) => decide(client, action, reference).allowed,
    decide,
    decideEnded: (client, action, secret) => find(client, action, secret, true),
    remainingMs: ({ until }) => (until === undefined ? Number.POSITIVE_INFINITY : until - now()),
    mayReadBelow,
    mayReachBelow,
    mayUse,
    grantsOf
  }
}
