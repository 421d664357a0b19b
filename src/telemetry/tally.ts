/**
 * What is counted between two scrapes, in plain numbers. Rule: to count is to look up a few short texts and to add;
 * labels are put together when somebody asks. Every label is of a closed set: nothing here forgets.
 */

/** The values of the labels, in the order in which their family names them. */
export type Labels = readonly (string | number)[]
export type Sample = readonly [labels: Labels, value: number]

interface Node<T> {
  readonly below: Map<string | number, Node<T>>
  leaf: T | undefined
}

const createTree = <T>(make: () => T) => {
  const root: Node<T> = { below: new Map(), leaf: undefined }
  const grow = (node: Node<T>, label: string | number): Node<T> => {
    const next = { below: new Map(), leaf: undefined }
    node.below.set(label, next)
    return next
  }
  function* leavesOf({ below, leaf }: Node<T>, labels: Labels): Generator<readonly [Labels, T]> {
    if (leaf !== undefined) yield [labels, leaf]
    for (const [label, node] of below) yield* leavesOf(node, [...labels, label])
  }
  return {
    at: (labels: Labels): T => {
      let node = root
      for (const label of labels) node = node.below.get(label) ?? grow(node, label)
      node.leaf ??= make()
      return node.leaf
    },
    leaves: () => leavesOf(root, [])
  }
}

export interface Tally {
  /** One more; none begins what is shown as 0, so that the first one will be seen as an increase. */
  readonly add: (labels: Labels, count?: 0 | 1) => void
  readonly samples: () => Iterable<Sample>
}

export const createTally = (): Tally => {
  const cells = createTree(() => ({ count: 0 }))
  return {
    add: (labels, count = 1) => {
      cells.at(labels).count += count
    },
    *samples() {
      for (const [labels, { count }] of cells.leaves()) yield [labels, count]
    }
  }
}

/** Seconds: from a cached read to a store's deadline. */
export const BUCKETS: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5
]

export interface Timing {
  /** How many took no longer than the bound of BUCKETS at the same place, and longer than the one before it. */
  readonly counts: number[]
  count: number
  /** Seconds. */
  sum: number
}

export interface Timings {
  readonly add: (labels: Labels, ms: number) => void
  readonly timings: () => Iterable<readonly [Labels, Readonly<Timing>]>
}

export const createTimings = (): Timings => {
  const cells = createTree<Timing>(() => ({ counts: BUCKETS.map(() => 0), count: 0, sum: 0 }))
  return {
    add: (labels, ms) => {
      const cell = cells.at(labels)
      const seconds = ms / 1000
      cell.count++
      cell.sum += seconds
      let i = 0
      while (i < BUCKETS.length && seconds > (BUCKETS[i] ?? 0)) i++
      if (i < BUCKETS.length) cell.counts[i] = (cell.counts[i] ?? 0) + 1
    },
    timings: cells.leaves
  }
}
