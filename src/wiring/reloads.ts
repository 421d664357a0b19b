/**
 * Reloads on record, by signal and by request alike. Rule: the intent is on record before anything changes, and without it
 * nothing does; the result has the digests of what was in force before and is after.
 */
import { randomUUID } from 'node:crypto'
import type { Caller, Door } from '../broker/caller.ts'
import { ConfigError } from '../config/fault.ts'
import type { AuditEvent } from '../core/audit-event.ts'
import type { Environment } from '../core/principal.ts'

export interface ReloadsOptions {
  readonly environment: Environment
  /** Rejects with `audit_unavailable` if the event cannot be recorded. */
  readonly record: (event: AuditEvent) => Promise<void>
  /** Of the configuration in force. */
  readonly digest: () => string
}

/** Who asked for a reload; undefined: a signal. */
export type ReloadedBy = (Door & Partial<Caller>) | undefined

/** Rejects as the work does, or with `audit_unavailable`. */
export const recordReload = async (
  { environment, record, digest }: ReloadsOptions,
  by: ReloadedBy,
  work: () => Promise<void>
): Promise<void> => {
  const { client, keyId, kid, address, route = 'SIGHUP', requestId = randomUUID() } = by ?? {}
  const who = { environment, client, keyId, kid, address, route, requestId }
  const note = (outcome: AuditEvent['outcome'], reason: string): Promise<void> =>
    record({ action: 'config.reload', outcome, reason, ...who })
  const before = digest()
  await note('allowed', `intent: before ${before}`)
  try {
    await work()
  } catch (error) {
    const faults = error instanceof ConfigError ? `${error.faults.length} faults` : 'not taken over'
    await note('failed', `${faults}: still ${before}`)
    throw error
  }
  await note('allowed', `before ${before} after ${digest()}`)
}
