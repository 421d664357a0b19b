/**
 * Whose request begins next. Rule: in one turn of the event loop so many of one address begin, and the rest in the next
 * ones, so that nobody waits for all that somebody else sent at once. Node accepts one connection a turn: turns that are
 * long keep newcomers out.
 */
const PER_TURN = 16

export type FairShare = (network: string, begin: () => void) => void

export const createFairShare = (perTurn = PER_TURN): FairShare => {
  const begun = new Map<string, number>()
  const waiting = new Map<string, (() => void)[]>()
  let isScheduled = false

  const schedule = (): void => {
    if (isScheduled) return
    isScheduled = true
    setImmediate(turn)
  }

  const turn = (): void => {
    isScheduled = false
    begun.clear()
    for (const [network, all] of waiting) {
      const now = all.splice(0, perTurn)
      if (all.length === 0) waiting.delete(network)
      begun.set(network, now.length)
      for (const begin of now) begin()
    }
    if (begun.size > 0) schedule()
  }

  return (network, begin) => {
    const count = begun.get(network) ?? 0
    schedule()
    if (count < perTurn) {
      begun.set(network, count + 1)
      begin()
      return
    }
    const all = waiting.get(network)
    if (all === undefined) waiting.set(network, [begin])
    else all.push(begin)
  }
}
