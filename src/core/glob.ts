/**
 * The patterns of policies: `*` and `?` stay inside a segment, `**` crosses segments, `{a,b}` are alternatives, all
 * else is literal and written as in a reference; an escaped sign is a literal. Rule: matching takes at most (length of
 * the path) x (length of the pattern) steps, whatever is matched.
 */
import { decodeLiteral, ESCAPE_RULE } from './reference-text.ts'

export interface Glob {
  (path: string): boolean
  /** Whether it may match a path that begins with this one and goes on. */
  readonly below: (start: string) => boolean
}

/** As long as a reference, so that a pattern can name whatever can be read. */
const MAX_LENGTH = 2_048
const MAX_ALTERNATIVES = 256

const checkBraces = (pattern: string): void => {
  let open = false
  for (const sign of pattern) {
    if (sign === '{' && open) throw new Error('braces of a pattern do not stand in braces')
    if (sign === '}' && !open) throw new Error('a pattern closes a brace that it did not open')
    if (sign === ',' && !open) throw new Error('a comma of a pattern stands in braces only')
    if (sign === '{' || sign === '}') open = sign === '{'
  }
  if (open) throw new Error('a pattern opens a brace that it does not close')
  if (pattern.includes('{}')) throw new Error('braces of a pattern are not empty')
}

// A token is the code point of a literal character, or one of these.
const ANY = -1
const STAR = -2
const DEEP = -3
const SLASH = 47
/** Characters above it are two units of a string, and one for `?`. */
const LAST_OF_ONE_UNIT = 0xffff

const SIGNS: ReadonlyMap<string, number> = new Map([
  ['**', DEEP],
  ['*', STAR],
  ['?', ANY]
])

const tokensOf = (text: string): number[] =>
  (text.match(/\*\*|[*?]|[^*?]+/g) ?? []).flatMap((part) => {
    const sign = SIGNS.get(part)
    if (sign !== undefined) return [sign]
    const literal = decodeLiteral(part)
    if (literal === undefined) {
      throw new Error(
        `a pattern has printable letters, digits and signs, as a reference has: ${ESCAPE_RULE}`
      )
    }
    return Array.from(literal, (character) => character.codePointAt(0) ?? 0)
  })

/**
 * The pattern once for each choice of its alternatives. It is cut into tokens first, so that two stars which a choice
 * brings together stay two single ones and do not begin to cross slashes.
 */
const expand = (pattern: string): number[][] => {
  let choices: number[][] = [[]]
  // Odd pieces stood in braces.
  for (const [index, piece] of pattern.split(/[{}]/).entries()) {
    const alternatives = (index % 2 === 1 ? piece.split(',') : [piece]).map(tokensOf)
    if (choices.length * alternatives.length > MAX_ALTERNATIVES) {
      throw new Error(`a pattern has at most ${MAX_ALTERNATIVES} combinations of its alternatives`)
    }
    choices = choices.flatMap((head) => alternatives.map((tail) => [...head, ...tail]))
  }
  return choices
}

const isStar = (token: number | undefined): boolean => token === STAR || token === DEEP

/** Reads one character: a star goes on with it or ends before it, any other token takes it or fails. */
const step = (tokens: readonly number[], reached: Uint8Array, character: number): void => {
  let before = reached[0] ?? 0
  reached[0] = 0
  for (let n = 1; n < reached.length; n += 1) {
    const token = tokens[n - 1]
    const here = reached[n] ?? 0
    if (token === DEEP || token === STAR) {
      const goesOn = token === DEEP || character !== SLASH ? here : 0
      reached[n] = goesOn | (reached[n - 1] ?? 0)
    } else {
      reached[n] = token === character || (token === ANY && character !== SLASH) ? before : 0
    }
    before = here
  }
}

/** One choice of alternatives: its literal beginning is compared, what follows is matched sign by sign. */
const compileChoice = (choice: readonly number[]): Glob => {
  const wild = choice.findIndex((token) => token < 0)
  const beginning = String.fromCodePoint(...choice.slice(0, wild < 0 ? undefined : wild))
  if (wild < 0) {
    const matches = (path: string): boolean => path === beginning
    const below = (start: string): boolean => start !== beginning && beginning.startsWith(start)
    return Object.assign(matches, { below })
  }
  const tokens = choice.slice(wild)
  const last = tokens.length
  // reached[n]: whether the first n tokens match what was read so far. Kept between calls, so that none allocates.
  const reached = new Uint8Array(last + 1)

  /** Reads the path, which has the literal beginning. */
  const readAll = (path: string): void => {
    reached.fill(0)
    reached[0] = 1
    for (let n = 1; n <= last && isStar(tokens[n - 1]); n += 1) reached[n] = 1
    for (let at = beginning.length; at < path.length; ) {
      const character = path.codePointAt(at) ?? 0
      step(tokens, reached, character)
      at += character > LAST_OF_ONE_UNIT ? 2 : 1
    }
  }

  const matches = (path: string): boolean => {
    if (!path.startsWith(beginning)) return false
    readAll(path)
    return reached[last] === 1
  }
  const below = (start: string): boolean => {
    if (!start.startsWith(beginning)) return beginning.startsWith(start)
    readAll(start)
    // A star at the end goes on, and whatever is not yet read can be.
    return reached.subarray(0, last).includes(1) || (reached[last] === 1 && isStar(tokens.at(-1)))
  }
  return Object.assign(matches, { below })
}

/** Throws `Error` with a sentence naming what is wrong; it does not repeat the pattern. */
export const compileGlob = (pattern: string): Glob => {
  if (pattern === '') throw new Error('a pattern has a path after the colon')
  if (pattern.length > MAX_LENGTH) throw new Error(`a pattern has at most ${MAX_LENGTH} characters`)
  if (pattern.includes('?version=')) throw new Error('a pattern has no version: it allows them all')
  if (pattern.includes('***')) {
    throw new Error('a pattern has one star (inside a segment) or two (across segments), not more')
  }
  if (pattern.startsWith(' ') || pattern.endsWith(' ')) {
    throw new Error(`a pattern begins and ends with no space: ${ESCAPE_RULE}`)
  }
  checkBraces(pattern)
  const choices = expand(pattern).map(compileChoice)
  const matches = (path: string): boolean => {
    for (const choice of choices) if (choice(path)) return true
    return false
  }
  const below = (start: string): boolean => choices.some((choice) => choice.below(start))
  return Object.assign(matches, { below })
}
