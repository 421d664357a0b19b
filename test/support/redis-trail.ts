/** Processes that put their records into a real Redis, each with a folder of its own, and whoever asks for them. */
import { join } from 'node:path'
import type { Test } from 'tap'
import { type AnswerEnd, createQueries, type GoOn } from '../../src/audit/queries.ts'
import type { RecordFilter } from '../../src/audit/record-filter.ts'
import { createRedisSink } from '../../src/audit/redis-sink.ts'
import { createRedisTrail } from '../../src/audit/redis-trail.ts'
import type { AuditRecord } from '../../src/audit/shown-record.ts'
import type { SinkChoice } from '../../src/audit/sinks.ts'
import { createTrail, type Trail } from '../../src/audit/trail.ts'
import { createKeyring, newEncryptionKey } from '../../src/crypto/keyring.ts'
import { createSealer } from '../../src/crypto/sealer.ts'
import { createRedisState } from '../../src/state/redis-state.ts'
import { createStreams } from '../../src/state/redis-streams.ts'
import type { RedisAddress } from '../../src/state/redis-url.ts'
import { beginAuditKey } from './audit-key.ts'
import { createDirectory } from './embedded.ts'

export interface RecordingProcess {
  readonly directory: string
  readonly trail: Trail
  readonly logged: string[]
  /** Records with these request ids, as one group. */
  readonly record: (...ids: string[]) => Promise<void>
  /** It ends in good order; otherwise nothing of it is closed before the test ends. */
  readonly end: () => Promise<void>
  readonly ask: (question?: Partial<AskedOf>) => Promise<AnswerOf>
}

interface AskedOf {
  readonly filter: RecordFilter
  readonly goOn: GoOn
  readonly limit: number
}

export interface AnswerOf extends AnswerEnd {
  readonly records: readonly AuditRecord[]
  readonly ids: readonly string[]
}

export interface StartOptions {
  readonly sinks?: readonly SinkChoice[]
  readonly directory?: string
  readonly writer?: string
  readonly maxBytes?: number
  readonly processes?: number
}

export const FILE_AND_REDIS: readonly SinkChoice[] = [
  { name: 'file', isRequired: true },
  { name: 'redis', isRequired: true }
]

export const NOON = Date.parse('2026-03-02T12:00:00.000Z')

/** All of one service, with one clock. */
export const createRecording = (t: Test, address: RedisAddress) => {
  const keyring = createKeyring([newEncryptionKey()])
  const sealer = () => createSealer(keyring)
  const clock = { time: NOON }
  const now = (): number => clock.time
  const start = (options: StartOptions = {}): RecordingProcess => {
    const { sinks = FILE_AND_REDIS, writer, maxBytes = 1024 * 1024 } = options
    const directory = options.directory ?? createDirectory(t)
    const folder = join(directory, 'audit')
    const state = createRedisState({ address, prefix: 'purser:', keyring: () => keyring })
    const streams = createStreams({ address, prefix: 'purser:', deadlineMs: 5_000 })
    const common = { streams, state, sealer, environment: 'pro', folder, now }
    const redis = createRedisSink({
      ...common,
      writer,
      isInFiles: sinks.some(({ name, isRequired }) => name === 'file' && isRequired),
      maxBytes,
      retentionDays: 90
    })
    const logged: string[] = []
    const trail = createTrail({
      directory,
      writer,
      beginKey: beginAuditKey,
      now,
      fsync: false,
      sinks,
      redis,
      patienceMs: 10_000,
      log: (level, message, fields) => logged.push(`${level} ${message} ${JSON.stringify(fields)}`)
    })
    redis.start()
    let ended: Promise<void> | undefined
    const end = (): Promise<void> => {
      ended ??= (async () => {
        await trail.close()
        await redis.close()
        await state.close()
      })()
      return ended
    }
    t.teardown(end)
    const { processes: all = 1 } = options
    const queries = createQueries({
      folder,
      redis: createRedisTrail(common),
      processes: () => ({ all, here: 1 })
    })
    return {
      directory,
      trail,
      logged,
      end,
      record: async (...ids) => {
        clock.time += 1
        await Promise.all(
          ids.map((requestId) =>
            trail.append({
              action: 'secret.read',
              outcome: 'allowed',
              environment: 'pro',
              client: 'canary-client',
              route: 'GET /v1/secrets',
              requestId,
              reference: 'local:canary/reference'
            })
          )
        )
      },
      ask: async ({ filter = {}, goOn, limit = Number.POSITIVE_INFINITY } = {}) => {
        const answer = queries.ask({ filter, goOn, limit, isStream: false, turn: async () => {} })
        const records: AuditRecord[] = []
        for (;;) {
          const next = await answer.next()
          if (next.done) {
            return { ...next.value, records, ids: records.map(({ requestId = '' }) => requestId) }
          }
          records.push(...next.value)
        }
      }
    }
  }
  return { start, clock }
}
