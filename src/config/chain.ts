/**
 * Stores whose credentials stand in other stores. Rule: every such reference leads to a configured store, and no store
 * waits for itself, by whatever way round.
 */
import { parseReference, type ReferenceBook } from '../core/reference.ts'

export interface Chained {
  readonly name: string
  readonly settings: Readonly<Record<string, unknown>>
}

export interface ChainFault {
  /** The store's place in the list. */
  readonly index: number
  readonly message: string
}

/** The texts of all `{ ref: … }` in a store's settings. */
export const refsIn = (value: unknown): string[] => {
  if (typeof value !== 'object' || value === null) return []
  const { ref } = value as { ref?: unknown }
  return typeof ref === 'string' ? [ref] : Object.values(value).flatMap(refsIn)
}

/** The first way that leads from a store back to itself, with it at both ends. */
const wayBack = (
  start: string,
  needs: ReadonlyMap<string, readonly string[]>
): readonly string[] | undefined => {
  const ways = [[start]]
  const seen = new Set<string>()
  for (const way of ways) {
    for (const next of needs.get(way.at(-1) ?? '') ?? []) {
      if (next === start) return [...way, next]
      if (!seen.has(next)) ways.push([...way, next])
      seen.add(next)
    }
  }
  return undefined
}

/** `isExcused`: the reference leads nowhere only because of a fault that is told already. */
export const chainFaults = (
  stores: readonly Chained[],
  book: ReferenceBook,
  isExcused: (text: string) => boolean = () => false
): ChainFault[] => {
  const faults: ChainFault[] = []
  const needs = new Map<string, string[]>()
  stores.forEach(({ name, settings }, index) => {
    const needed: string[] = []
    for (const text of refsIn(settings)) {
      try {
        const reference = parseReference(text, book)
        if (reference !== undefined) needed.push(reference.store)
        else if (!isExcused(text))
          faults.push({ index, message: 'has a credential whose ref leads to no configured store' })
      } catch (error) {
        faults.push({
          index,
          message: `has a credential whose ref is wrong: ${(error as Error).message}`
        })
      }
    }
    needs.set(name, needed)
  })
  stores.forEach(({ name }, index) => {
    const way = wayBack(name, needs)
    // A round trip is one fault, told once, at its first member.
    const isFirst = way?.every(
      (member) => stores.findIndex((store) => store.name === member) >= index
    )
    if (way !== undefined && isFirst) {
      faults.push({ index, message: `needs itself to log in: ${way.join(' -> ')}` })
    }
  })
  return faults
}
