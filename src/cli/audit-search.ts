/** `purser audit search`: who did what, and when, of the files here and of what other replicas have put into Redis. */
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
import { compilePolicy } from '../kinds/references.ts'
import { trailFolderOf } from './audit-folder.ts'
import { pretty } from './audit-tail.ts'
import { CommandFailure } from './failure.ts'
import { print, tell } from './io.ts'
import { PLACE } from './key-revoke.ts'
import { withState } from './state.ts'

export interface SearchOptions {
  readonly reference?: string
  readonly pattern?: string
  readonly client?: string
  readonly keyId?: string
  readonly action?: string
  readonly outcome?: string
  /** ISO 8601 in UTC, as records have it. */
  readonly since?: string
  readonly until?: string
  readonly limit?: number
  readonly json?: boolean
}

const matcherOf = (pattern: string | undefined): RecordFilter['isMatching'] => {
  if (pattern === undefined) return undefined
  try {
    const { isAllowed } = compilePolicy([{ client: '*', read: [pattern] }])
    return (secret) => isAllowed('*', 'read', secret)
  } catch (error) {
    throw new CommandFailure(`--pattern: ${error instanceof Error ? error.message : 'is none'}.`)
  }
}

const filterOf = ({ since, until, pattern, ...equal }: SearchOptions): RecordFilter => {
  const { reference, client, keyId, action, outcome } = equal
  const isMatching = matcherOf(pattern)
  return { reference, client, keyId, action, outcome, isMatching, from: since, to: until }
}

/** With the streams of all replicas, where AUDIT_SINKS has them. */
const withTrail = async (
  work: (folder: string, redis: RedisTrail | undefined) => Promise<void>
): Promise<void> => {
  const { DATA_DIR, AUDIT_SINKS } = readSomeSettings(process.env, process.cwd(), [
    'DATA_DIR',
    'AUDIT_SINKS',
    'REDIS_URL'
  ])
  const folder = trailFolderOf({ DATA_DIR })
  if (!hasSink(AUDIT_SINKS, 'redis')) return work(folder, undefined)
  const names = [...PLACE, 'ENCRYPTION_KEYS'] as const
  const settings = readSomeSettings(process.env, process.cwd(), names)
  await withState(settings, async ({ state, openStreams }) => {
    const streams = openStreams?.()
    if (streams === undefined) throw new CommandFailure('AUDIT_SINKS has redis: set REDIS_URL.')
    const sealer = createSealer(createKeyring(settings.ENCRYPTION_KEYS))
    const { ENVIRONMENT: environment }: Pick<Settings, 'ENVIRONMENT'> = settings
    const place = { folder, environment, now: Date.now }
    try {
      await work(folder, createRedisTrail({ ...place, streams, state, sealer: () => sealer }))
    } finally {
      await streams.close()
    }
  })
}

const count = (number: number, what: string): string =>
  `${number} ${what}${number === 1 ? '' : 's'}`

/** What the answer lacks, as sentences; on standard error, so that it stands beside the records and not among them. */
const tellEnd = ({ completeFrom, skipped, notAsked }: AnswerEnd): void => {
  const { files, instances, redis } = notAsked
  if (completeFrom !== undefined)
    tell(`Nothing is missing since ${completeFrom}, but what follows.`)
  if (skipped > 0) tell(`${count(skipped, 'line')} could not be read.`)
  if (files.length > 0) tell(`These files could not be read: ${files.join(' ')}`)
  if (redis) tell('Redis does not answer: what other replicas recorded is not here.')
  if (instances.length > 0) {
    tell(`Of these processes some records are missing in Redis: ${instances.join(' ')}`)
  }
}

export const search = async (options: SearchOptions): Promise<void> => {
  const { json = false, limit = Number.POSITIVE_INFINITY } = options
  const filter = filterOf(options)
  const show = json ? (record: AuditRecord) => JSON.stringify(record) : pretty
  await withTrail(async (folder, redis) => {
    const { ask } = createQueries({ folder, redis, processes: () => ({ all: 1, here: 1 }) })
    let left = limit
    let end: AnswerEnd | undefined
    for (let goOn: GoOn | undefined; end === undefined || goOn !== undefined; ) {
      const answer = ask({ filter, goOn, limit: left, isStream: true, turn: async () => {} })
      let next = await answer.next()
      for (; !next.done; next = await answer.next()) {
        left -= next.value.length
        await print(next.value.map(show).join('\n'))
      }
      end = next.value
      goOn = left > 0 ? end.goOn : undefined
    }
    tellEnd(end)
  }).catch((error: unknown) => {
    throw error instanceof ProblemError ? new CommandFailure('The trail cannot be read.') : error
  })
}
