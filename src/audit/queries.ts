/**
 * What administrators ask of the trail. Rule: a question is answered a block at a time, in turns that whoever asks
 * waits for; it ends after a bound of time and of bytes, with where to go on; and there are only so many at once.
 */
import { ProblemError } from '../core/problem.ts'
import { createAccess } from './access.ts'
import { type Asked, beginAsking, goOnOf, notAskedOf, searchesOf } from './asked.ts'
import { createCompleteFrom, timeOfHoldings } from './complete-from.ts'
import type { RecordFilter } from './record-filter.ts'
import type { RedisTrail } from './redis-trail.ts'
import type { Position, Search } from './search.ts'
import type { AuditRecord } from './shown-record.ts'

/** Where a question goes on, with what was found out when it began. */
export interface GoOn {
  readonly position: Position
  /** In the streams of Redis. */
  readonly shared?: Position | undefined
  /** What was given last, in case both have it. */
  readonly given?: readonly string[]
  readonly completeFrom?: string | undefined
}

export interface Question {
  readonly filter: RecordFilter
  readonly goOn?: GoOn | undefined
  /** Most records. */
  readonly limit: number
  /** A page has little time, a stream more. */
  readonly isStream: boolean
  /** Resolves when the next block may be read. */
  readonly turn: () => Promise<void>
}

export interface NotAsked {
  /** Files here that could not be read. */
  readonly files: readonly string[]
  /** Processes elsewhere, there or gone, of whose records some are missing. */
  readonly instances: readonly string[]
  /** Other processes now, which may have files of their own and nothing in Redis. */
  readonly replicas: number
  /** Whether Redis did not answer for those that put their records there. */
  readonly redis: boolean
}

export interface AnswerEnd {
  /** Absent: there is no more. */
  readonly goOn?: GoOn
  /** ISO 8601; absent: nothing is on record. */
  readonly completeFrom?: string
  /** Lines that could not be read. */
  readonly skipped: number
  readonly notAsked: NotAsked
}

export interface Queries {
  /** Gives records as they are found. Throws ProblemError `audit_unavailable`, `overloaded`, `invalid_request`. */
  readonly ask: (question: Question) => AsyncGenerator<readonly AuditRecord[], AnswerEnd>
  /** Questions under way end after their present block. */
  readonly close: () => void
}

export interface QueriesOptions {
  /** `audit/` below DATA_DIR. */
  readonly folder: string
  /** Undefined: AUDIT_SINKS is without redis. */
  readonly redis?: RedisTrail | undefined
  /** Processes of this service, and those of them that write below that folder. */
  readonly processes: () => { readonly all: number; readonly here: number }
  /** Milliseconds, from wherever. */
  readonly clock?: () => number
  readonly bounds?: Readonly<Record<'page' | 'stream', Bound>>
}

export interface Bound {
  readonly bytes: number
  readonly ms: number
}

const MIB = 1024 * 1024
const BOUNDS = {
  page: { bytes: 64 * MIB, ms: 2_000 },
  stream: { bytes: 4_096 * MIB, ms: 60_000 }
} as const
const TOGETHER_MAX = 4
const PATIENCE_MS = 2_000

const unavailable = (): ProblemError => new ProblemError('audit_unavailable', { retryAfter: 1 })

const asProblem = (error: unknown): ProblemError =>
  error instanceof ProblemError ? error : unavailable()

const sum = (searches: readonly Search[], what: 'bytes' | 'skipped'): number =>
  searches.reduce((total, search) => total + search.seen()[what], 0)

export const createQueries = (options: QueriesOptions): Queries => {
  const { folder, redis, processes, clock = () => performance.now(), bounds = BOUNDS } = options
  const access = createAccess(PATIENCE_MS, unavailable)
  const holdings = createCompleteFrom(folder, access)
  let underWay = 0
  let isClosed = false

  const completeFromOf = async ({ redis }: Asked): Promise<string | undefined> =>
    timeOfHoldings([await holdings.look(), ...(redis ? [redis.holding] : [])])

  const answer = async function* (
    { goOn, limit, isStream, turn }: Question,
    asked: Asked
  ): AsyncGenerator<readonly AuditRecord[], AnswerEnd> {
    const until = clock() + bounds[isStream ? 'stream' : 'page'].ms
    const { bytes } = bounds[isStream ? 'stream' : 'page']
    const searches = searchesOf(asked)
    const completeFrom = goOn === undefined ? await completeFromOf(asked) : goOn.completeFrom
    for (let left = limit; left > 0 && !isClosed; ) {
      await turn()
      const records = await asked.step(left)
      if (records === undefined) break
      left -= records.length
      if (records.length > 0) yield records
      if (clock() > until || sum(searches, 'bytes') >= bytes) break
    }
    const next = goOnOf(asked, completeFrom)
    return {
      ...(next && { goOn: next }),
      ...(completeFrom !== undefined && { completeFrom }),
      skipped: sum(searches, 'skipped'),
      notAsked: notAskedOf(asked, redis !== undefined, processes())
    }
  }

  return {
    ask: async function* (question) {
      if (underWay >= TOGETHER_MAX) throw new ProblemError('overloaded', { retryAfter: 1 })
      underWay++
      let asked: Asked | undefined
      try {
        asked = await beginAsking({ folder, redis, access }, question)
        return yield* answer(question, asked)
      } catch (error) {
        throw asProblem(error)
      } finally {
        underWay--
        // A file is closed once a read of it that hangs came back, which nobody waits for.
        void asked?.files.close()
      }
    },
    close: () => {
      isClosed = true
    }
  }
}
