/**
 * What is over its time in `State`, and its end. Rule: an entry goes only as it was looked at, a page is in memory at a
 * time, others have their turn in between, and nothing goes by a clock that cannot be believed.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { STATE_REST } from './namespaces.ts'
import type { State, StateEntry } from './state.ts'

const DAY_MS = 86_400_000
/** Longer than a service stands still in its holidays; a clock that is ahead by more is not believed on its first day. */
export const JUMP_DAYS = 14
/** By so much a clock that is believed may be ahead: days are compared, and so the last is not over. */
const JUMP_MS = (JUMP_DAYS + 1) * DAY_MS

/** Whether what ended then can be of no use any more, though the clock be ahead. */
export const isLongOver = (endMs: number, now: number): boolean => endMs + JUMP_MS <= now

/** Of one part of the code, which alone knows when its entries are over. */
export interface Leftovers {
  /** One word, which stands in the log and on record. */
  readonly name: string
  readonly prefix: string
  /** `now` in milliseconds since the epoch. */
  readonly isOver: (entry: StateEntry, now: number) => boolean
  /** The same with what has to be known of all entries first. A dry run changes nothing. */
  readonly prepare?: (
    state: State,
    now: number,
    options: { readonly isDryRun: boolean }
  ) => Promise<Leftovers>
}

/** To be called where the clock is believed. */
export const prepared = (
  state: State,
  all: readonly Leftovers[],
  now: number,
  { isDryRun = false } = {}
): Promise<readonly Leftovers[]> =>
  Promise.all(all.map((one) => one.prepare?.(state, now, { isDryRun }) ?? one))

/** Entries looked at before others have their turn. */
const STRIDE = 200

const overIn = async function* (
  state: State,
  { prefix, isOver }: Leftovers,
  now: number
): AsyncIterable<StateEntry> {
  let seen = 0
  for await (const entry of state.list(prefix)) {
    if (++seen % STRIDE === 0) await turn()
    if (isOver(entry, now)) yield entry
  }
}

export const countLeftovers = async (
  state: State,
  leftovers: Leftovers,
  now: number
): Promise<number> => {
  let count = 0
  for await (const _ of overIn(state, leftovers, now)) count++
  return count
}

/** Resolves with how many went, once that is all of them or `isStopped`. */
export const removeLeftovers = async (
  state: State,
  leftovers: Leftovers,
  now: number,
  isStopped: () => boolean = () => false
): Promise<number> => {
  let count = 0
  for await (const { key, value } of overIn(state, leftovers, now)) {
    if (isStopped()) break
    // What was used meanwhile stays.
    if (await state.compareAndSet(key, value, undefined)) count++
  }
  return count
}

const { prefix: CLOCK } = STATE_REST.clock

/** So much may be left elsewhere of what ended here. */
export const CLOCKS_DIFFER_MS = 3_600_000

/**
 * A moment that has passed however far the clock is ahead: the begin of the last day before today on which it was asked,
 * by whichever replica. For what ends soon and comes in great numbers, which has to go sooner than what `isLongOver` tells.
 * To be asked where the clock is believed.
 */
export const passedSurely = async (state: State, now: number): Promise<number> => {
  const days = (await state.get(CLOCK))?.toString().split(' ') ?? []
  const before = days.filter((day) => day !== dayOf(now)).at(-1)
  return before === undefined ? Number.NEGATIVE_INFINITY : Date.parse(before)
}

const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10)

/**
 * Why the clock is not believed, as a sentence. The days on which this was asked are kept, the last two: a clock that was
 * set is believed on the day after.
 */
export const whyNotByClock = async (
  state: State,
  now: number,
  { isDryRun = false } = {}
): Promise<string | undefined> => {
  const today = dayOf(now)
  const kept = await state.get(CLOCK)
  const days = kept?.toString().split(' ') ?? []
  const last = days.at(-1)
  if (last === today && days.length === 1) return undefined
  const before = last === today ? days[0] : last
  if (last !== today && !isDryRun) {
    // Another process that writes at this moment writes the same.
    await state.compareAndSet(
      CLOCK,
      kept,
      Buffer.from(last === undefined ? today : `${last} ${today}`)
    )
  }
  if (before === undefined) return undefined
  const ahead = (Date.parse(today) - Date.parse(before)) / DAY_MS
  if (ahead >= 0 && ahead <= JUMP_DAYS) return undefined
  return `the clock says ${today}, and the last time before it said ${before}: if that is so, this is done from tomorrow on`
}
