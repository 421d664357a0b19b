/** The patterns of a rule, over the paths of a store and over the names of bots and channels, with when the rule ends. */
import { compileGlob, type Glob } from './glob.ts'
import { parseField } from './reference-text.ts'

export interface Decision {
  readonly allowed: boolean
  /** The first rule that allows it: its place in the list, from 0, and the pattern as it was written. */
  readonly rule?: { readonly index: number; readonly pattern: string }
  /** When the rule ends; milliseconds since the epoch. Absent for one that does not end. */
  readonly until?: number
}

export interface Pattern {
  readonly store: string
  readonly matches: Glob
  /** The one field that is allowed, and nothing below it; undefined for all of them and the whole secret. */
  readonly field: string | undefined
  /** Made once: a decision on the way of a request allocates nothing. */
  readonly decision: Decision
  /** Infinity for a rule that does not end. */
  readonly until: number
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
export type IsName = (text: string) => boolean

/** `<store>:<glob over the path>[#<field>]`. Throws `Error` with a sentence naming what is wrong. */
export const compilePattern = (
  pattern: string,
  index: number,
  until: number | undefined,
  isStoreName: IsName
): Pattern => {
  const colon = pattern.indexOf(':')
  const store = pattern.slice(0, Math.max(colon, 0))
  if (!isStoreName(store)) {
    throw new Error('a pattern begins with the name of a store and a colon')
  }
  const hash = pattern.indexOf('#')
  const field = hash < 0 ? undefined : fieldIn(pattern.slice(hash + 1))
  const matches = compileGlob(pattern.slice(colon + 1, hash < 0 ? undefined : hash))
  const decision = {
    allowed: true,
    rule: { index, pattern },
    ...(until !== undefined && { until })
  }
  return { store, matches, field, decision, until: until ?? Number.POSITIVE_INFINITY }
}

/** A bot or channel by name, as its rule gives it. */
export interface NamePattern {
  readonly matches: Glob
  readonly until: number
}

/** As over paths, but a name has no slash. */
export const compileName = (pattern: string, until = Number.POSITIVE_INFINITY): NamePattern => {
  if (!/^[A-Za-z0-9._*?{},-]{1,256}$/.test(pattern)) {
    throw new Error(
      'a bot or channel is named with letters, digits and . _ - or by a pattern of them'
    )
  }
  return { matches: compileGlob(pattern), until }
}
