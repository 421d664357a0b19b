/**
 * Whose work begins next. Rule: in one turn of the event loop so much of one address begins, by count and by time, and the
 * rest in the next ones, so that nobody waits for all that somebody else sent at once. Node accepts one connection a turn:
 * turns that are long keep newcomers out.
 */
const PER_TURN = 16
/** Milliseconds of work that one address begins in a turn; what began is not broken off. */
const WORK_MS = 1

export type FairShare = (network: string, begin: () => void) => void

/** For so many turns in a row, work that holds back does: whoever keeps coming does not keep it from being done. */
const HELD_TURNS = 64

export interface FairShareOptions {
  readonly perTurn?: number
  /** How many have come so far. If given, nothing begins but in a turn after one in which nobody came. */
  readonly newcomers?: () => number
  /** Milliseconds, from wherever. */
  readonly clock?: () => number
}

interface Begun {
  count: number
  workMs: number
}

export const createFairShare = (options: FairShareOptions = {}): FairShare => {
  const { perTurn = PER_TURN, newcomers, clock = () => performance.now() } = options
  /** In this turn. */
  const begun = new Map<string, Begun>()
  const waiting = new Map<string, (() => void)[]>()
  let isScheduled = false
  let [come, held] = [0, 0]

  const holdsBack = (): boolean => {
    if (newcomers === undefined) return false
    const before = come
    come = newcomers()
    held = come === before || held === HELD_TURNS ? 0 : held + 1
    return held > 0
  }

  const schedule = (): void => {
    if (isScheduled) return
    isScheduled = true
    setImmediate(turn)
  }

  const hasShare = ({ count, workMs }: Begun): boolean => count < perTurn && workMs < WORK_MS

  const run = (own: Begun, begin: () => void): void => {
    const from = clock()
    own.count++
    begin()
    own.workMs += clock() - from
  }

  const turn = (): void => {
    isScheduled = false
    begun.clear()
    if (waiting.size > 0 && holdsBack()) {
      schedule()
      return
    }
    for (const [network, all] of waiting) {
      const own = { count: 0, workMs: 0 }
      begun.set(network, own)
      while (hasShare(own)) {
        const begin = all.shift()
        if (begin === undefined) break
        run(own, begin)
      }
      if (all.length === 0) waiting.delete(network)
    }
    if (begun.size > 0) schedule()
  }

  return (network, begin) => {
    const own = begun.get(network) ?? { count: 0, workMs: 0 }
    const all = waiting.get(network)
    begun.set(network, own)
    schedule()
    if (all !== undefined) all.push(begin)
    else if (newcomers === undefined && hasShare(own)) run(own, begin)
    else waiting.set(network, [begin])
  }
}
