/**
 * How many API keys there are under each encryption key, and when they end. Rule: counting reads all of them, so it is
 * done once a minute at the most, and a scrape never waits for it: it gets what was counted last.
 */
import { isKeyRevoked } from '../keys/revocations.ts'
import type { KeyUsage, KeyUse } from '../keys/usage.ts'
import { createTally, type Sample } from './tally.ts'

const COUNT_EVERY_MS = 60_000
const DAY_MS = 86_400_000

/** In days, each from the one before it. */
const ENDS = [1, 7, 30, 90]

/** The label of the time to a key's end. */
export const endsOf = ({ expiresAt }: Pick<KeyUse, 'expiresAt'>, now: number): string => {
  if (expiresAt === undefined) return 'never'
  const days = (Date.parse(expiresAt) - now) / DAY_MS
  const end = ENDS.find((one) => days <= one)
  return end === undefined ? 'later' : `${end}d`
}

export interface KeyFigures {
  readonly keys: () => Iterable<Sample>
  /** Milliseconds since the epoch; undefined: not yet. */
  readonly countedAt: () => number | undefined
  /** Resolves once a count that is due is done; what cannot be read now is counted later. */
  readonly count: () => Promise<void>
}

export interface KeyFiguresOptions {
  readonly usage: Pick<KeyUsage, 'list'>
  readonly isRevoked: (name: string) => boolean
  /** The encryption keys in force: keys under others are refused. */
  readonly kids: () => readonly string[]
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export const createKeyFigures = (options: KeyFiguresOptions): KeyFigures => {
  const { usage, isRevoked, kids, now } = options
  let counted: Iterable<Sample> = []
  let countedAt: number | undefined
  let triedAt = Number.NEGATIVE_INFINITY
  let counting: Promise<void> | undefined

  const countAll = async (): Promise<void> => {
    const tally = createTally()
    const time = now()
    const known = new Set(kids())
    for await (const use of usage.list()) {
      const hasEnded = use.expiresAt !== undefined && Date.parse(use.expiresAt) <= time
      if (hasEnded || !known.has(use.kid) || isKeyRevoked(isRevoked, use)) continue
      tally.add([use.kid, endsOf(use, time)])
    }
    counted = [...tally.samples()]
    countedAt = time
  }

  return {
    keys: () => counted,
    countedAt: () => countedAt,
    count: () => {
      if (counting === undefined && Math.abs(now() - triedAt) >= COUNT_EVERY_MS) {
        triedAt = now()
        counting = countAll()
          .catch(() => {})
          .finally(() => {
            counting = undefined
          })
      }
      return counting ?? Promise.resolve()
    }
  }
}
