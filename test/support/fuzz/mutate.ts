/** Makes new inputs of known ones. Rule: one seed makes the same inputs in the same order, on every machine. */
import fc from 'fast-check'

export type Random = (below: number) => number

/** mulberry32: 32 bits are enough to choose by. */
export const createRandom = (seed: number): Random => {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

const LENGTH_MAX = 4_096
const EDGES = [
  '\u0000',
  '\n',
  '\r',
  '\t',
  ' ',
  '"',
  '\\',
  '%',
  '\u007f',
  '\u00e9',
  '\u2028',
  '\ud800'
]

export interface Source {
  readonly random: Random
  readonly words: readonly string[]
  /** One of the inputs known so far. */
  readonly other: () => string
}

type Change = (text: string, source: Source) => string

const put = (text: string, at: number, piece: string, instead = 0): string =>
  text.slice(0, at) + piece + text.slice(at + instead)
const span = (text: string, random: Random): [number, number] => {
  const start = random(text.length + 1)
  return [start, start + random(Math.min(32, text.length - start) + 1)]
}

const CHANGES: readonly Change[] = [
  (text, { random, words }) =>
    put(text, random(text.length + 1), words[random(words.length)] ?? ''),
  (text, { random, words }) =>
    put(text, random(text.length + 1), words[random(words.length)] ?? '', random(8)),
  (text, { random }) =>
    put(text, random(text.length + 1), EDGES[random(EDGES.length)] ?? '', random(2)),
  (text, { random }) => {
    const at = random(Math.max(text.length, 1))
    return put(text, at, String.fromCharCode((text.charCodeAt(at) || 0) ^ (1 << random(8))), 1)
  },
  (text, { random }) => {
    const [start, end] = span(text, random)
    return put(text, start, '', end - start)
  },
  (text, { random }) => {
    const [start, end] = span(text, random)
    return put(text, random(text.length + 1), text.slice(start, end).repeat(1 + random(3)))
  },
  (text, { random, other }) => {
    const end = other()
    return text.slice(0, random(text.length + 1)) + end.slice(random(end.length + 1))
  }
]

/** A known input with one to four changes. */
export const mutated = (source: Source): string => {
  let text = source.other()
  for (let left = 1 + source.random(4); left > 0; left--) {
    text = CHANGES[source.random(CHANGES.length)]?.(text, source) ?? text
  }
  return text.slice(0, LENGTH_MAX)
}

/** Inputs that resemble none: of the parser's own words, and of any characters. */
export const invented = (words: readonly string[], seed: number, count: number): string[] => {
  const unit = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...words) },
    { weight: 2, arbitrary: fc.constantFrom(...'abz09AZ-._/:') },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 3 }) }
  )
  const text = fc.array(unit, { maxLength: 24 }).map((parts) => parts.join(''))
  return fc.sample(text, { seed, numRuns: count })
}
