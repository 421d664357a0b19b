/**
 * A question to the trail for the length of one command: of the files here, and of what other replicas have put into
 * Redis. Rule: what the answer lacks is said on standard error, beside the records and not among them.
 */
import { type AnswerEnd, createQueries, type GoOn } from '../audit/queries.ts'
import type { RecordFilter } from '../audit/record-filter.ts'
import { createRedisTrail, type RedisTrail } from '../audit/redis-trail.ts'
import type { AuditRecord } from '../audit/shown-record.ts'
import { hasSink } from '../audit/sinks.ts'
import { readSomeSettings } from '../config/env.ts'
import type { Settings } from '../config/settings.ts'
import { ProblemError } from '../core/problem.ts'
import { createKeyring } from '../crypto/keyring.ts'
import { createSealer } from '../crypto/sealer.ts'
import { trailFolderOf } from './audit-folder.ts'
import { count } from './count.ts'
import { CommandFailure } from './failure.ts'
import { tell } from './io.ts'
import { PLACE } from './key-revoke.ts'
import { withState } from './state.ts'

/** With the streams of all replicas, where AUDIT_SINKS has them. */
const withTrail = async <T>(
  work: (folder: string, redis: RedisTrail | undefined) => Promise<T>
): Promise<T> => {
  const { DATA_DIR, AUDIT_SINKS } = readSomeSettings(process.env, process.cwd(), [
    'DATA_DIR',
    'AUDIT_SINKS',
    'REDIS_URL'
  ])
  const folder = trailFolderOf({ DATA_DIR })
  if (!hasSink(AUDIT_SINKS, 'redis')) return work(folder, undefined)
  const names = [...PLACE, 'ENCRYPTION_KEYS'] as const
  const settings = readSomeSettings(process.env, process.cwd(), names)
  return await withState(settings, async ({ state, openStreams }) => {
    const streams = openStreams?.()
    if (streams === undefined) throw new CommandFailure('AUDIT_SINKS has redis: set REDIS_URL.')
    const sealer = createSealer(createKeyring(settings.ENCRYPTION_KEYS))
    const { ENVIRONMENT: environment }: Pick<Settings, 'ENVIRONMENT'> = settings
    const place = { folder, environment, now: Date.now }
    try {
      return await work(
        folder,
        createRedisTrail({ ...place, streams, state, sealer: () => sealer })
      )
    } finally {
      await streams.close()
    }
  })
}

/** What the answer lacks, as sentences. */
const tellEnd = ({ completeFrom, skipped, notAsked }: AnswerEnd): void => {
  const { files, instances, redis } = notAsked
  const isWhole = skipped === 0 && files.length === 0 && instances.length === 0 && !redis
  if (completeFrom !== undefined) {
    tell(`Nothing is missing since ${completeFrom}${isWhole ? '' : ', but what follows'}.`)
  }
  if (skipped > 0) tell(`${count(skipped, 'line')} could not be read.`)
  if (files.length > 0) tell(`These files could not be read: ${files.join(' ')}`)
  if (redis) tell('Redis does not answer: what other replicas recorded is not here.')
  if (instances.length > 0) {
    tell(`Of these processes some records are missing in Redis: ${instances.join(' ')}`)
  }
}

/** `work` is given the records a block at a time, newest first, `limit` of them at most. */
export const askTrail = async (
  filter: RecordFilter,
  work: (records: readonly AuditRecord[]) => Promise<void> | void,
  limit = Number.POSITIVE_INFINITY
): Promise<AnswerEnd> =>
  await withTrail(async (folder, redis) => {
    const { ask } = createQueries({ folder, redis, processes: () => ({ all: 1, here: 1 }) })
    let left = limit
    let end: AnswerEnd | undefined
    for (let goOn: GoOn | undefined; end === undefined || goOn !== undefined; ) {
      const answer = ask({ filter, goOn, limit: left, isStream: true, turn: async () => {} })
      let next = await answer.next()
      for (; !next.done; next = await answer.next()) {
        left -= next.value.length
        await work(next.value)
      }
      end = next.value
      goOn = left > 0 ? end.goOn : undefined
    }
    tellEnd(end)
    return end
  }).catch((error: unknown) => {
    throw error instanceof ProblemError ? new CommandFailure('The trail cannot be read.') : error
  })
