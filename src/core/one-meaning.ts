/**
 * JSON that has one meaning for every reader. Rule: well-formed UTF-8, no member twice (of two, parsers disagree which one
 * counts; RFC 8259, 4), no character that would not survive, no name that could reach a prototype, and no nesting that
 * exhausts a stack. A byte order mark before it is ignored, as RFC 8259, 8.1 allows: editors and PowerShell write it.
 */
import { endOfString, isLossy } from './json-text.ts'

const UTF8 = new TextDecoder('utf-8', { fatal: true })

const DEPTH_MAX = 32

// A lone surrogate is no character, and each store would make something different of it.
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/

const QUOTE = 0x22
const MINUS = 0x2d
const COLON = 0x3a

/** Digits that a double holds, whatever they are. */
const SAFE_DIGITS = 15

const isOfNumber = (code: number): boolean =>
  // Digits; then + - . e E
  (code >= 0x30 && code <= 0x39) ||
  code === 0x2b ||
  code === 0x2d ||
  code === 0x2e ||
  (code | 0x20) === 0x65

/**
 * How many members valid JSON has, which is how many colons stand outside of strings. Undefined if a number is lossy.
 */
const countMembers = (json: string, keepsDigits: boolean): number | undefined => {
  let members = 0
  for (let i = 0; i < json.length; i++) {
    const code = json.charCodeAt(i)
    if (code === QUOTE) i = endOfString(json, i)
    else if (code === COLON) members++
    else if (code === MINUS || (code >= 0x30 && code <= 0x39)) {
      let end = i + 1
      let hasExponent = false
      for (let next = json.charCodeAt(end); isOfNumber(next); next = json.charCodeAt(++end)) {
        hasExponent ||= (next | 0x20) === 0x65
      }
      if (!keepsDigits && (hasExponent || end - i > SAFE_DIGITS) && isLossy(json.slice(i, end))) {
        return undefined
      }
      i = end - 1
    }
  }
  return members
}

/**
 * How many members there are in the value: fewer than were written, if one was written twice. Undefined if one is not
 * sound.
 */
const membersIn = (value: unknown, hasSurrogates: boolean, depth = 0): number | undefined => {
  if (typeof value === 'string') {
    return hasSurrogates && LONE_SURROGATE.test(value) ? undefined : 0
  }
  if (typeof value !== 'object' || value === null) return 0
  if (depth === DEPTH_MAX) return undefined
  const isArray = Array.isArray(value)
  const names = isArray ? [] : Object.keys(value)
  if (!isArray && Object.hasOwn(value, '__proto__')) return undefined
  if (hasSurrogates && names.some((name) => LONE_SURROGATE.test(name))) return undefined
  const children: readonly unknown[] = isArray ? value : Object.values(value)
  let members = names.length
  for (let i = 0; i < children.length; i++) {
    const within = membersIn(children[i], hasSurrogates, depth + 1)
    if (within === undefined) return undefined
    members += within
  }
  return members
}

export interface OneMeaning {
  readonly text: string
  readonly value: unknown
}

/**
 * Undefined for what is no JSON, or may be read as something else. `keepsDigits`: also with numbers that a double does not
 * hold, for whoever reads them from the text, or not at all.
 */
export const oneMeaningOf = (bytes: Uint8Array, keepsDigits = false): OneMeaning | undefined => {
  try {
    const text = UTF8.decode(bytes)
    const value: unknown = JSON.parse(text)
    const members = membersIn(value, /\\u[dD]/.test(text))
    const isOne = members !== undefined && members === countMembers(text, keepsDigits)
    return isOne ? { text, value } : undefined
  } catch {
    // The parser's message quotes the text.
    return undefined
  }
}
