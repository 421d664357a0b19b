/**
 * The end of what is over its time while a service runs: records of the trail, and entries of `State`. Rule: one run at a
 * time, nothing goes before it is on record that it goes, and whatever becomes of it is logged once.
 */
import { randomUUID } from 'node:crypto'
import {
  countLeftovers,
  type Leftovers,
  prepared,
  removeLeftovers,
  whyNotByClock
} from '../state/leftovers.ts'
import type { StateLog } from '../state/log.ts'
import { traceOf } from '../state/log.ts'
import type { State } from '../state/state.ts'
import { dropAnchors } from './anchors.ts'
import type { Recorder, Who } from './recorder.ts'
import { type PurgeOptions, type PurgePlan, planPurge, purge } from './retention.ts'
import type { RunningKey } from './segment-check.ts'

export interface PurgerOptions {
  readonly folder: string
  /** AUDIT_RETENTION_DAYS; undefined: records stay. */
  readonly days: number | undefined
  /** As `PurgeOptions` has it. */
  readonly findKey: PurgeOptions['findKey']
  readonly everyMs: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Of which a record that cannot be written is an error: without one nothing is purged. */
  readonly recorder: Pick<Recorder, 'allowed'>
  readonly state: State
  /** What else may go, and of whom. */
  readonly leftovers?: readonly Leftovers[]
  readonly log: StateLog
}

export interface Purger {
  /** In the background, at once and then at intervals. */
  readonly start: () => void
  /** Resolves once what is there to purge is purged, or it is logged why not. */
  readonly run: () => Promise<void>
  readonly close: () => Promise<void>
}

const whoIs = (): Who => ({ route: 'retention', requestId: randomUUID() })

/** Puts on record that it goes, and lets it go. Resolves with the plan: what went, or why nothing. */
const purgeTrail = async (
  { folder, findKey, now, recorder, state }: PurgerOptions,
  days: number,
  rest: Pick<PurgeOptions, 'running' | 'vouching' | 'isStopped'>
): Promise<PurgePlan> => {
  const plan = await planPurge({ folder, now: now(), days, findKey, ...rest })
  if (plan.refusal !== undefined) return plan
  const gone = await purge(folder, plan, (facts) =>
    recorder.allowed(whoIs(), 'audit.purge', undefined, facts)
  )
  await dropAnchors(state, gone, plan.end)
  return plan
}

/** How an end of entries stands on record. */
export const leftoversOnRecord = ({ name }: Leftovers, count: number) => ({
  object: `state ${name}`,
  reason: `${count} entries`
})

/** By the names of what went, how many. */
const purgeState = async (
  { state, leftovers = [], now, recorder }: PurgerOptions,
  isStopped: () => boolean
): Promise<{
  readonly counts: Readonly<Record<string, number>>
  readonly refusal: string | undefined
}> => {
  if (leftovers.length === 0) return { counts: {}, refusal: undefined }
  const at = now()
  const refusal = await whyNotByClock(state, at)
  if (refusal !== undefined) return { counts: {}, refusal }
  const counts: Record<string, number> = {}
  for (const one of await prepared(state, leftovers, at)) {
    const count = await countLeftovers(state, one, at)
    if (count === 0 || isStopped()) continue
    await recorder.allowed(whoIs(), 'state.purge', undefined, leftoversOnRecord(one, count))
    counts[one.name] = await removeLeftovers(state, one, at, isStopped)
  }
  return { counts, refusal }
}

const LOST_KEYS =
  'old audit records went whose MACs could not be checked: ENCRYPTION_KEYS lacks what they were begun with'

export const createPurger = (options: PurgerOptions): Purger => {
  const { everyMs, log } = options
  let running: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let isClosed = false
  // The keys of the chains as the last plan left them, so that each is stepped once and not anew every day.
  const rest = {
    running: new Map<string, RunningKey>(),
    vouching: new Map<string, RunningKey>(),
    isStopped: () => isClosed
  }
  const said = new Map<string, string | undefined>()

  const sayOnce = (message: string, refusal: string | undefined): void => {
    if (refusal !== undefined && refusal !== said.get(message)) {
      log('error', message, { why: refusal })
    }
    said.set(message, refusal)
  }

  const ofTrail = async (): Promise<void> => {
    if (options.days === undefined) return
    const plan = await purgeTrail(options, options.days, rest)
    const { files, bytes, withoutKey, lostKeys, refusal } = plan
    if (lostKeys.length > 0) log('warn', LOST_KEYS, { encryptionKeys: lostKeys.join() })
    if (files.length > 0) {
      log('info', 'old audit records are purged', {
        files: files.length,
        bytes,
        ...(withoutKey > 0 && { withoutKey })
      })
    }
    sayOnce('old audit records are not purged', refusal)
  }

  const ofState = async (): Promise<void> => {
    const { counts, refusal } = await purgeState(options, rest.isStopped)
    if (Object.keys(counts).length > 0) log('info', 'what was over its time is purged', counts)
    sayOnce('what is over its time is not purged', refusal)
  }

  const failed =
    (message: string) =>
    (error: unknown): void =>
      log('error', message, traceOf(error))

  const work = async (): Promise<void> => {
    await ofTrail().catch(failed('the purge of audit records failed'))
    await ofState().catch(failed('the purge of what is over its time failed'))
  }

  const run = (): Promise<void> => {
    running ??= work().finally(() => {
      running = undefined
    })
    return running
  }

  return {
    run,
    start: () => {
      void run()
      timer = setInterval(() => void run(), everyMs).unref()
    },
    close: async () => {
      isClosed = true
      clearInterval(timer)
      await running
    }
  }
}
