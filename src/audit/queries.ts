/**
 * What administrators ask of the trail. Rule: a question is answered a block at a time, in turns that whoever asks
 * waits for; it ends after a bound of time and of bytes, with where to go on; and there are only so many at once.
 */
import { ProblemError } from '../core/problem.ts'
import { createAccess } from './access.ts'
import { createCompleteFrom } from './complete-from.ts'
import type { RecordFilter } from './record-filter.ts'
import { createSearch, type Position, type Search } from './search.ts'
import type { AuditRecord } from './shown-record.ts'

/** Where a question goes on, with what was found out when it began. */
export interface GoOn {
  readonly position: Position
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

export interface AnswerEnd {
  /** Absent: there is no more. */
  readonly goOn?: GoOn
  /** ISO 8601; absent: nothing is on record. */
  readonly completeFrom?: string
  /** Lines that could not be read. */
  readonly skipped: number
  /** Files that could not be read, and other processes that may have files of their own. */
  readonly notAsked: { readonly files: readonly string[]; readonly replicas: number }
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
  readonly replicasElsewhere: () => number
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

const endOf = (search: Search, completeFrom: string | undefined, replicas: number): AnswerEnd => {
  const position = search.position()
  const { skipped, files } = search.seen()
  const held = completeFrom === undefined ? {} : { completeFrom }
  return {
    ...(position !== undefined && { goOn: { position, ...held } }),
    ...held,
    skipped,
    notAsked: { files, replicas }
  }
}

export const createQueries = (options: QueriesOptions): Queries => {
  const { folder, replicasElsewhere, clock = () => performance.now(), bounds = BOUNDS } = options
  const access = createAccess(PATIENCE_MS, unavailable)
  const holdings = createCompleteFrom(folder, access)
  let underWay = 0
  let isClosed = false

  const answer = async function* (
    { goOn, limit, isStream, turn }: Question,
    search: Search
  ): AsyncGenerator<readonly AuditRecord[], AnswerEnd> {
    const until = clock() + bounds[isStream ? 'stream' : 'page'].ms
    const { bytes } = bounds[isStream ? 'stream' : 'page']
    const completeFrom = goOn === undefined ? await holdings.time() : goOn.completeFrom
    for (let left = limit; left > 0 && !isClosed; ) {
      await turn()
      const records = await search.step(left)
      if (records === undefined) break
      left -= records.length
      if (records.length > 0) yield records
      if (clock() > until || search.seen().bytes >= bytes) break
    }
    return endOf(search, completeFrom, replicasElsewhere())
  }

  return {
    ask: async function* (question) {
      if (underWay >= TOGETHER_MAX) throw new ProblemError('overloaded', { retryAfter: 1 })
      underWay++
      const { filter, goOn } = question
      const search = createSearch({ folder, filter, position: goOn?.position, access })
      try {
        return yield* answer(question, search)
      } catch (error) {
        throw asProblem(error)
      } finally {
        underWay--
        // A file is closed once a read of it that hangs came back, which nobody waits for.
        void search.close()
      }
    },
    close: () => {
      isClosed = true
    }
  }
}
