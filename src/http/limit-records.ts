/**
 * Limits that were reached, on record: a line when a caller reaches one, and a line with the count of what was refused
 * when its window ends. Rule: a flood costs no line for each request, and no memory for each caller.
 */
import type { LimitName } from '../core/limit-name.ts'
import { every } from '../state/background.ts'
import type { Taken } from './allowances.ts'

export interface Reached {
  /** Of the limit. */
  readonly name: LimitName
  /** The caller that the limit counts: an address or the id of a key. */
  readonly identity: string
}

interface Episode<Who> {
  readonly who: Who
  readonly name: LimitName
  /** Milliseconds since the epoch. */
  readonly endsAt: number
  refused: number
}

export interface LimitRecords<Who> {
  readonly reached: (limit: Reached, taken: Pick<Taken, 'seconds'>, who: () => Who) => void
  /** Records what has ended. */
  readonly sweep: () => void
  /** Records all that is open. */
  readonly close: () => void
}

export interface LimitRecordsOptions<Who> {
  /** Records in the background, so that a refusal waits for nothing. `reason`: the limit, with the count at its end. */
  readonly record: (who: Who, reason: string) => void
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly max?: number
}

const SWEEP_EVERY_MS = 1_000
const MAX = 1_000

export const createLimitRecords = <Who>(options: LimitRecordsOptions<Who>): LimitRecords<Who> => {
  const { record, now, max = MAX } = options
  const open = new Map<string, Episode<Who>>()

  const end = (key: string, { who, name, refused }: Episode<Who>): void => {
    open.delete(key)
    record(who, `${name}: ${refused} refused`)
  }
  const sweep = (): void => {
    const time = now()
    for (const [key, episode] of open) if (episode.endsAt <= time) end(key, episode)
  }
  const loop = every('records of limits', SWEEP_EVERY_MS, sweep)

  return {
    reached: ({ name, identity }, { seconds }, who) => {
      const own = `${name}\n${identity}`
      // Beyond `max` callers, all others share one line for each limit.
      const key = open.has(own) || open.size < max ? own : name
      const known = open.get(key)
      if (known !== undefined && now() < known.endsAt) {
        known.refused++
        return
      }
      if (known !== undefined) end(key, known)
      const episode = { who: who(), name, endsAt: now() + seconds * 1000, refused: 1 }
      open.set(key, episode)
      record(episode.who, key === own ? name : `${name}, of more callers than are told apart`)
    },
    sweep,
    close: () => {
      loop.close()
      for (const [key, episode] of open) end(key, episode)
    }
  }
}
