/**
 * What each client may read and write. Rule: rules only allow; whatever none of them allows is denied, and so taking a
 * rule away never grants anything.
 */
import { compileGlob, type Glob } from './glob.ts'
import type { Reference } from './reference.ts'
import { parseField } from './reference-text.ts'

/** A member of `policies:`. `client` is one name, several, or `*` for every client. */
export interface PolicyRule {
  readonly client: string | readonly string[]
  readonly read?: readonly string[]
  readonly write?: readonly string[]
  readonly bots?: readonly string[]
  readonly channels?: readonly string[]
}

export type PolicyAction = 'read' | 'write'

/** The lists of a rule that hold names, or patterns over them: there is no store before them. */

export type NameList = 'bots' | 'channels'

export interface Decision {
  readonly allowed: boolean
  /** The first rule that allows it: its place in the list, from 0, and the pattern as it was written. */
  readonly rule?: { readonly index: number; readonly pattern: string }
}

/** What the rules for a client say, in their order and without repetitions; the caller's own copy. */
export interface Grants {
  read: string[]
  write: string[]
  bots: string[]
  channels: string[]
}

type RequestedSecret = Pick<Reference, 'store' | 'path' | 'field'>

export interface Policy {
  readonly isAllowed: (client: string, action: PolicyAction, reference: RequestedSecret) => boolean
  readonly decide: (client: string, action: PolicyAction, reference: RequestedSecret) => Decision
  /** Whether a rule for the client may allow it to read a whole secret whose path begins with this one and goes on. */
  readonly mayReadBelow: (client: string, start: Pick<Reference, 'store' | 'path'>) => boolean
  /** Whether a rule for the client names the bot or channel. */
  readonly mayUse: (client: string, list: NameList, name: string) => boolean
  readonly grantsOf: (client: string) => Grants
}

/** The name of a client; `*` is none. */
export const CLIENT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
export const isClientName = (text: string): boolean => CLIENT_NAME.test(text)

interface Pattern {
  readonly store: string
  readonly matches: Glob
  /** The one field that is allowed, and nothing below it; undefined for all of them and the whole secret. */
  readonly field: string | undefined
  /** Made once: a decision on the way of a request allocates nothing. */
  readonly decision: Decision
}

/**
 * Fields have no patterns. The signs of patterns are escaped in a field all the same, so that no pattern is taken for a
 * name.
 */
const fieldIn = (text: string): string => {
  const field = /[*?{},]/.test(text) ? undefined : parseField(text)
  if (field !== undefined) return field
  throw new Error(
    'a pattern names one field after its #, as a reference does, and * ? { } , in it by percent-escapes'
  )
}

/** Whether a store may have the name (`Grammar.isStoreName`). */
type IsName = (text: string) => boolean

/** `<store>:<glob over the path>[#<field>]`. Throws `Error` with a sentence naming what is wrong. */
const compilePattern = (pattern: string, index: number, isStoreName: IsName): Pattern => {
  const colon = pattern.indexOf(':')
  const store = pattern.slice(0, Math.max(colon, 0))
  if (!isStoreName(store)) {
    throw new Error('a pattern begins with the name of a store and a colon')
  }
  const hash = pattern.indexOf('#')
  const field = hash < 0 ? undefined : fieldIn(pattern.slice(hash + 1))
  const matches = compileGlob(pattern.slice(colon + 1, hash < 0 ? undefined : hash))
  return { store, matches, field, decision: { allowed: true, rule: { index, pattern } } }
}

/** As over paths, but a name has no slash. */
const compileName = (pattern: string): Glob => {
  if (!/^[A-Za-z0-9._*?{},-]{1,256}$/.test(pattern)) {
    throw new Error(
      'a bot or channel is named with letters, digits and . _ - or by a pattern of them'
    )
  }
  return compileGlob(pattern)
}

interface CompiledRule {
  readonly index: number
  readonly rule: PolicyRule
  readonly clients: readonly string[]
  readonly patterns: Readonly<Record<PolicyAction, readonly Pattern[]>>
  readonly names: Readonly<Record<NameList, readonly Glob[]>>
}

const EVERY_CLIENT = '*'

const compileRule = (rule: PolicyRule, index: number, isStoreName: IsName): CompiledRule => {
  const clients = typeof rule.client === 'string' ? [rule.client] : rule.client
  if (
    clients.length === 0 ||
    !clients.every((name) => name === EVERY_CLIENT || isClientName(name))
  ) {
    throw new Error('a policy is for a client by its name, for a list of them, or for "*": all')
  }
  const compile = (pattern: string): Pattern => compilePattern(pattern, index, isStoreName)
  const { read = [], write = [], bots = [], channels = [] } = rule
  const patterns = { read: read.map(compile), write: write.map(compile) }
  const names = { bots: bots.map(compileName), channels: channels.map(compileName) }
  return { index, rule, clients, patterns, names }
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

const DENIED: Decision = { allowed: false }
const NO_PATTERNS: readonly Pattern[] = []

/** Throws `Error` with a sentence naming what is wrong in a rule; the caller knows its place. */
export const compilePolicyWith = (rules: readonly PolicyRule[], isStoreName: IsName): Policy => {
  const compiled = rules.map((rule, index) => compileRule(rule, index, isStoreName))
  const named = groupBy(compiled, (rule) => rule.clients)
  const forAll = named.get(EVERY_CLIENT) ?? []
  const rulesOf = (client: string): CompiledRule[] =>
    [...new Set([...(named.get(client) ?? []), ...forAll])].sort((a, b) => a.index - b.index)

  const indexes = new Map([...named.keys()].map((client) => [client, indexOf(rulesOf(client))]))
  const indexForAll = indexOf(forAll)

  const decide: Policy['decide'] = (client, action, { store, path, field }) => {
    const index = indexes.get(client) ?? indexForAll
    for (const pattern of index[action].get(store) ?? NO_PATTERNS) {
      const allowsField = pattern.field === undefined || pattern.field === field
      if (allowsField && pattern.matches(path)) return pattern.decision
    }
    return DENIED
  }

  const mayReadBelow: Policy['mayReadBelow'] = (client, { store, path }) => {
    const patterns = (indexes.get(client) ?? indexForAll).read.get(store) ?? NO_PATTERNS
    return patterns.some(({ field, matches }) => field === undefined && matches.below(path))
  }

  const namesOf = (
    rules: readonly CompiledRule[]
  ): Readonly<Record<NameList, readonly Glob[]>> => ({
    bots: rules.flatMap(({ names }) => names.bots),
    channels: rules.flatMap(({ names }) => names.channels)
  })
  const names = new Map([...named.keys()].map((client) => [client, namesOf(rulesOf(client))]))
  const namesForAll = namesOf(forAll)

  const mayUse: Policy['mayUse'] = (client, list, name) =>
    (names.get(client) ?? namesForAll)[list].some((matches) => matches(name))

  const grantsOf = (client: string): Grants => {
    const all = (list: keyof Grants): string[] => [
      ...new Set(rulesOf(client).flatMap(({ rule }) => rule[list] ?? []))
    ]
    return { read: all('read'), write: all('write'), bots: all('bots'), channels: all('channels') }
  }

  return {
    isAllowed: (client, action, reference) => decide(client, action, reference).allowed,
    decide,
    mayReadBelow,
    mayUse,
    grantsOf
  }
}
