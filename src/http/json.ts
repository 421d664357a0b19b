/**
 * A request's JSON body. Rule: it has one meaning for every reader: well-formed UTF-8, no member twice (of two, parsers
 * disagree which one counts; RFC 8259, 4), no number or character that would not survive, none that could reach a prototype, and no nesting that exhausts a stack.
 */
import { ProblemError } from '../core/problem.ts'

const UTF8 = new TextDecoder('utf-8', { fatal: true })

/** In valid JSON: a string, with the colon if it is a member's name, or where an object or array begins or ends. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|[{}[\]]/g

const NUMBERS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g

const DEPTH_MAX = 32

/** A number that would be another one when it is printed again: too large for a double, or an integer with lost digits. */
const isLossy = (token: string): boolean => {
  const number = Number(token)
  return !Number.isFinite(number) || (/^-?[1-9]\d*$/.test(token) && String(number) !== token)
}

// A lone surrogate is no character, and every store makes something else of it.
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/

const survives = (json: string): boolean =>
  [...json.matchAll(NUMBERS)].every(([token]) =>
    token.startsWith('"')
      ? !/\\u[dD]/.test(token) || !LONE_SURROGATE.test(JSON.parse(token))
      : !isLossy(token)
  )

const hasOneMeaning = (json: string): boolean => {
  /** The names so far of each object that is open here; undefined for an array. */
  const open: (Set<string> | undefined)[] = []
  for (const [token, colon] of json.matchAll(TOKENS)) {
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(undefined)
    else if (token === '}' || token === ']') open.pop()
    else if (colon !== undefined) {
      // Parsed, since `a` and `\u0061` are one name.
      const name: string = JSON.parse(token.slice(0, -colon.length))
      const names = open.at(-1)
      if (name === '__proto__' || names?.has(name)) return false
      names?.add(name)
    }
    if (open.length > DEPTH_MAX) return false
  }
  return true
}

/** Throws `invalid_request`, which repeats nothing of the body. */
export const parseJson = (body: Buffer): unknown => {
  try {
    const text = UTF8.decode(body)
    const value: unknown = JSON.parse(text)
    if (hasOneMeaning(text) && survives(text)) return value
  } catch {
    // The parser's message quotes the body.
  }
  throw new ProblemError('invalid_request', { errors: [{ pointer: '/body', rule: 'json' }] })
}
