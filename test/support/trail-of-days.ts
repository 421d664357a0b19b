/** A trail with a record on each of some days, as tests of retention need it. */
import { join } from 'node:path'
import type { Test } from 'tap'
import { createTrail } from '../../src/audit/trail.ts'
import type { AuditEvent } from '../../src/core/audit-event.ts'
import { beginAuditKey } from './audit-key.ts'
import { createDirectory } from './embedded.ts'

export const NOON = Date.parse('2026-03-01T12:00:00.000Z')
export const DAY_MS = 86_400_000

export const event = (rest: Partial<AuditEvent> = {}): AuditEvent => ({
  action: 'secret.read',
  outcome: 'allowed',
  environment: 'pro',
  route: '/v1/secrets',
  requestId: 'r',
  ...rest
})

/** `clock` stands at the noon after the last of `count` days; `days` goes on for some more. */
export const openDays = async (t: Test, count: number) => {
  const directory = createDirectory(t)
  const folder = join(directory, 'audit')
  const clock = { time: NOON }
  const trail = createTrail({
    directory,
    now: () => clock.time,
    fsync: false,
    beginKey: beginAuditKey
  })
  t.teardown(() => trail.close())
  const days = async (more: number): Promise<void> => {
    for (let i = 0; i < more; i++) {
      await trail.append(event())
      clock.time += DAY_MS
    }
  }
  await days(count)
  return { folder, clock, trail, days }
}
