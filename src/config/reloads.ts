/**
 * Reloads on record, by signal and by request alike. Rule: the intent is on record before anything changes, and without
 * it nothing does; the result has the digests of what was in force before and is after. That a result cannot be
 * recorded changes it no more, and is said in the log.
 */
import { randomUUID } from 'node:crypto'
import { createRecorder, type RecorderOptions } from '../audit/recorder.ts'
import type { AuditEvent } from '../core/audit-event.ts'
import type { Arrival, Caller } from '../core/caller.ts'
import { ConfigError } from './fault.ts'

export interface ReloadsOptions extends RecorderOptions {
  /** Of the configuration in force. */
  readonly digest: () => string
}

/** Who asked for a reload; undefined: a signal. */
export type ReloadedBy = (Arrival & Partial<Caller>) | undefined

/** Rejects as the work does, or with `audit_unavailable` before it. */
export const recordReload = async (
  options: ReloadsOptions,
  by: ReloadedBy,
  work: () => Promise<void>
): Promise<void> => {
  const { log, digest } = options
  const recorder = createRecorder(options)
  const who = by ?? { route: 'SIGHUP', requestId: randomUUID() }
  const note = (outcome: AuditEvent['outcome'], reason: string): Promise<void> =>
    recorder.note(who, 'config.reload', outcome, undefined, { reason })
  const noteEnd = (outcome: AuditEvent['outcome'], reason: string): Promise<void> =>
    note(outcome, reason).catch(() => log('error', 'how a reload ended could not be recorded'))
  const before = digest()
  await note('allowed', `intent: before ${before}`)
  try {
    await work()
  } catch (error) {
    const faults = error instanceof ConfigError ? `${error.faults.length} faults` : 'not taken over'
    await noteEnd('failed', `${faults}: still ${before}`)
    throw error
  }
  await noteEnd('allowed', `before ${before} after ${digest()}`)
}
