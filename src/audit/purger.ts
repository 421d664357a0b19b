/** The purge of old records while a service runs. Rule: one at a time, and whatever becomes of it is logged once. */
import { randomUUID } from 'node:crypto'
import type { StateLog } from '../state/log.ts'
import { traceOf } from '../state/log.ts'
import type { State } from '../state/state.ts'
import { dropAnchors } from './anchors.ts'
import type { Recorder, Who } from './recorder.ts'
import { planPurge, purge } from './retention.ts'

export interface PurgerOptions {
  readonly folder: string
  readonly days: number
  readonly everyMs: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Of which a record that cannot be written is an error: without one nothing is purged. */
  readonly recorder: Pick<Recorder, 'allowed'>
  readonly state: State
  readonly log: StateLog
}

export interface Purger {
  /** In the background, at once and then at intervals. */
  readonly start: () => void
  /** Resolves once what is there to purge is purged, or it is logged why not. */
  readonly run: () => Promise<void>
  readonly close: () => Promise<void>
}

/** Puts on record that it goes, and lets it go. Resolves with how much that was, or why nothing. */
const purgeNow = async ({
  folder,
  days,
  now,
  recorder,
  state
}: PurgerOptions): Promise<{
  readonly files: number
  readonly bytes: number
  readonly refusal: string | undefined
}> => {
  const plan = await planPurge({ folder, now: now(), days })
  const { files, bytes, refusal } = plan
  if (refusal !== undefined) return { files: 0, bytes: 0, refusal }
  const who: Who = { route: 'retention', requestId: randomUUID() }
  const gone = await purge(folder, plan, (facts) =>
    recorder.allowed(who, 'audit.purge', undefined, facts)
  )
  await dropAnchors(state, gone, plan.end)
  return { files: files.length, bytes, refusal }
}

export const createPurger = (options: PurgerOptions): Purger => {
  const { everyMs, log } = options
  let running: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let said: string | undefined

  const work = async (): Promise<void> => {
    const { files, bytes, refusal } = await purgeNow(options)
    if (files > 0) log('info', 'old audit records are purged', { files, bytes })
    if (refusal !== undefined && refusal !== said) {
      log('error', 'old audit records are not purged', { why: refusal })
    }
    said = refusal
  }

  const run = (): Promise<void> => {
    running ??= work()
      .catch((error: unknown) => log('error', 'the purge of audit records failed', traceOf(error)))
      .finally(() => {
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
      clearInterval(timer)
      await running
    }
  }
}
