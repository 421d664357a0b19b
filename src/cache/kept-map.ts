/**
 * What is kept, least recently used first to go: values, and apart from them what is known to be refused. Rule: refusals, of
 * which a caller can have as many as it can think of names, never push out a value.
 */
import { LRUCache } from 'lru-cache'

export interface KeptMap<K extends object> {
  readonly get: (key: string) => K | undefined
  /** Without counting as a use. */
  readonly peek: (key: string) => K | undefined
  readonly set: (key: string, kept: K) => void
  readonly delete: (key: string) => void
  readonly entries: () => [string, K][]
  readonly size: () => number
}

/** Of as many values as there may be, a quarter as many refusals. */
const REFUSALS = 1 / 4

export const createKeptMap = <K extends object>(
  max: number,
  isValue: (kept: K) => boolean,
  /** Told of whatever is no longer kept, why ever. */
  onGone: (key: string, kept: K) => void = () => {}
): KeptMap<K> => {
  const dispose = (kept: K, key: string): void => onGone(key, kept)
  const values = new LRUCache<string, K>({ max: Math.max(1, max), dispose })
  const refusals = new LRUCache<string, K>({
    max: Math.max(1, Math.ceil(max * REFUSALS)),
    dispose
  })
  return {
    get: (key) => values.get(key) ?? refusals.get(key),
    peek: (key) => values.peek(key) ?? refusals.peek(key),
    set: (key, kept) => {
      const [into, other] = isValue(kept) ? [values, refusals] : [refusals, values]
      other.delete(key)
      into.set(key, kept)
    },
    delete: (key) => {
      values.delete(key)
      refusals.delete(key)
    },
    entries: () => [...values.entries(), ...refusals.entries()],
    size: () => values.size + refusals.size
  }
}
