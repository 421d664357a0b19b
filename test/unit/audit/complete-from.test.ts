/** Since when the files hold everything: a day that is gone is told from a day on which nothing happened. */
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { createAccess } from '../../../src/audit/access.ts'
import { createCompleteFrom, timeOfHoldings } from '../../../src/audit/complete-from.ts'
import { planPurge, purge } from '../../../src/audit/retention.ts'
import { createTrail } from '../../../src/audit/trail.ts'
import { beginAuditKey } from '../../support/audit-key.ts'
import { createDirectory } from '../../support/embedded.ts'

const DAY_MS = 86_400_000
const NOON = Date.parse('2026-03-01T12:00:00.000Z')
const access = createAccess(10_000, () => new Error('late'))

const timeIn = (folder: string) => {
  const { look } = createCompleteFrom(folder, access)
  return async () => timeOfHoldings([await look()])
}

/** One process that records once on each of those days. */
const run = async (directory: string, days: readonly number[], writer?: string): Promise<void> => {
  const clock = { time: NOON }
  const trail = createTrail({
    directory,
    writer,
    beginKey: beginAuditKey,
    now: () => clock.time,
    fsync: false
  })
  for (const day of days) {
    clock.time = NOON + day * DAY_MS
    await trail.append({
      action: 'secret.read',
      outcome: 'allowed',
      environment: 'pro',
      route: 'GET /v1/secrets',
      requestId: String(day)
    })
  }
  await trail.close()
}

test('a trail with all of its files is complete since it began, restarts and idle days included', async (t) => {
  const directory = createDirectory(t)
  const folder = join(directory, 'audit')
  const time = timeIn(folder)
  t.equal(await time(), undefined, 'nothing is on record')
  await run(directory, [0, 1])
  await run(directory, [1, 5])
  // A worker that came later has nothing from before, and misses nothing.
  await run(directory, [3, 5], '2')
  t.equal(await time(), '2026-03-01T12:00:00.000Z')
  rmSync(join(folder, '2026-03-01.jsonl'))
  t.equal(await time(), '2026-03-02T12:00:00.000Z', 'the oldest day is purged')
  rmSync(join(folder, '2026-03-04.2.jsonl'))
  t.equal(await time(), '2026-03-06T12:00:00.000Z', "a worker's day is gone")
})

test('a day that is gone from the midst counts, and one whose beginning cannot be read', async (t) => {
  const directory = createDirectory(t)
  const folder = join(directory, 'audit')
  const time = timeIn(folder)
  await run(directory, [0, 1, 2, 3])
  await run(directory, [4])
  t.equal(await time(), '2026-03-01T12:00:00.000Z')
  rmSync(join(folder, '2026-03-03.jsonl'))
  t.equal(await time(), '2026-03-04T12:00:00.000Z')
  const path = join(folder, '2026-03-04.jsonl')
  writeFileSync(path, readFileSync(path, 'utf8').split('\n').slice(0, 1).join('\n'))
  t.equal(await time(), '2026-03-05T12:00:00.000Z', 'of the last but one the end is cut off')
  appendFileSync(join(folder, '2026-03-06.9.jsonl'), 'not ours\n')
  t.equal(await time(), '2026-03-06T23:59:59.999Z')
})

test('what was purged is before all that is kept, also of a writer that writes seldom', async (t) => {
  const directory = createDirectory(t)
  const folder = join(directory, 'audit')
  const time = timeIn(folder)
  await run(directory, [0, 1, 2, 3, 4, 5, 6])
  await run(directory, [0], 'cli')
  await run(directory, [6], 'cli')
  const plan = await planPurge({
    folder,
    now: NOON + 6.5 * DAY_MS,
    days: 3,
    findKey: () => undefined
  })
  await purge(folder, plan, async () => {})
  t.equal(await time(), '2026-03-05T12:00:00.000Z', 'and not since the last command')
  rmSync(join(folder, '2026-03-05.jsonl'))
  t.equal(
    await time(),
    '2026-03-06T12:00:00.000Z',
    'what was taken by hand is missing all the same'
  )
})
