/**
 * Whose work begins next. Rule: in one turn of the event loop only so many pieces of work of one address begin, bounded
 * in number and time, and the rest wait for the next turns, so that nobody waits for all that another caller sent at
 * once. Node accepts one connection a turn, so long turns would keep newcomers out.
 */
const PER_TURN = 16
/** Milliseconds of work that one address begins in a turn; work that has begun is not broken off. */
const WORK_MS = 1

/** `cost`: of how many pieces of work the work has the size; 1 if not given. */
export type FairShare = (network: string, begin: () => void, cost?: number) => void

/** How many turns in a row work may be held back: a steady stream of newcomers does not stop it for ever. */
const HELD_TURNS = 64

export interface FairShareOptions {
  readonly perTurn?: number
  /** How many newcomers have come so far. If given, work begins only in a turn after one without newcomers. */
  readonly newcomers?: () => number
  /** Milliseconds, from wherever. */
  readonly clock?: () => number
}

interface Work {
  readonly begin: () => void
  readonly cost: number
}

interface Share {
  /** In which turn that was. */
  turn: number
  count: number
  workMs: number
  /** What was put off to the next turns. */
  readonly waiting: Work[]
}

/**
 * So many addresses are remembered from turn to turn: to forget all of them with each turn would cost the collector
 * dear.
 */
const REMEMBERED = 1_000

const forgetIdle = (shares: Map<string, Share>): void => {
  for (const [network, share] of shares) {
    if (share.waiting.length === 0) shares.delete(network)
  }
}

export const createFairShare = (options: FairShareOptions = {}): FairShare => {
  const { perTurn = PER_TURN, newcomers, clock = () => performance.now() } = options
  const shares = new Map<string, Share>()
  let present = 0
  let isScheduled = false
  let waiting = 0
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

  /** What is larger than a share has one of its own. */
  const hasShare = ({ turn, count, workMs }: Share, { cost }: Work): boolean =>
    turn !== present || ((count === 0 || count + cost <= perTurn) && workMs < WORK_MS)

  const run = (share: Share, { begin, cost }: Work): void => {
    if (share.turn !== present) {
      share.turn = present
      share.count = 0
      share.workMs = 0
    }
    const from = clock()
    share.count += cost
    begin()
    share.workMs += clock() - from
  }

  const turn = (): void => {
    isScheduled = false
    present++
    if (shares.size > REMEMBERED) forgetIdle(shares)
    if (waiting === 0) return
    schedule()
    if (holdsBack()) return
    for (const share of shares.values()) {
      for (let work = share.waiting[0]; work !== undefined; work = share.waiting[0]) {
        if (!hasShare(share, work)) break
        share.waiting.shift()
        waiting--
        run(share, work)
      }
    }
  }

  return (network, begin, cost = 1) => {
    const work = { begin, cost }
    let share = shares.get(network)
    if (share === undefined) {
      share = { turn: present, count: 0, workMs: 0, waiting: [] }
      shares.set(network, share)
    }
    schedule()
    if (share.waiting.length === 0 && newcomers === undefined && hasShare(share, work)) {
      return run(share, work)
    }
    waiting++
    share.waiting.push(work)
  }
}
