/**
 * When a test with a mutant on is taken for one without an end. Rule: by how often it has come to a place where there is a mutant, which
 * a busy machine does not change. Stryker's own bounds are one on the mutant itself, which need not stand in the loop that it lets go on,
 * and one on time.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** What a test took in the first run, in which no mutant was on. */
export interface Spent {
  readonly asked: number
  readonly ms: number
}
type SpentById = Readonly<Record<string, Spent>>

/** One process has the first run, several have those of the mutants. */
const FILE = 'spent.json'

export const noteSpent = (spent: SpentById): void => writeFileSync(FILE, JSON.stringify(spent))

/** While a file is loaded. */
export const ASKED_LOADING = 20_000_000
const ASKED_ALWAYS = 200_000
/** For what waits for what does not come. */
const MS_ALWAYS = 15_000
const FACTOR = 10

let known: SpentById | undefined

const all = (): SpentById => {
  known ??= JSON.parse(readFileSync(FILE, 'utf8')) as SpentById
  return known
}

/** Of all tests of the first run. */
export const knownIds = (): readonly string[] => Object.keys(all())

const spentBy = (id: string): Spent => all()[id] ?? { asked: 0, ms: 0 }

const costOf = (id: string): number => spentBy(id).ms

export const boundsOf = (id: string): Spent => {
  const { asked, ms } = spentBy(id)
  return { asked: FACTOR * asked + ASKED_ALWAYS, ms: FACTOR * ms + MS_ALWAYS }
}

/** So long the tests of a mutant took in the first run, at most. The time is that of a run that counts: it is several times longer. */
export const FIRST_MS = 10_000
export const AGAIN_MS = 1_000

export const quickestFirst = <T extends { readonly id: string }>(all: readonly T[]): T[] =>
  [...all].sort((a, b) => costOf(a.id) - costOf(b.id))

/** Of the tests that reach it the nearest, and then the quickest, as long as there is time for more of them. */
export const chosen = (
  ids: readonly string[],
  isAbout: (id: string) => boolean,
  ms: number
): ReadonlySet<string> => {
  const inOrder = quickestFirst(ids.map((id) => ({ id })))
  inOrder.sort((a, b) => Number(isAbout(b.id)) - Number(isAbout(a.id)))
  let left = ms
  const found = inOrder.filter(({ id }, index) => {
    left -= costOf(id)
    return left > 0 || index === 0
  })
  return new Set(found.map(({ id }) => id))
}

/** Resolves with undefined. */
export const late = (ms: number): Promise<undefined> => sleep(ms, undefined, { ref: false })
