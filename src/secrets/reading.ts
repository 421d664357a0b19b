/**
 * Reads with their records, one secret or many. Rule: the record comes last, and without it nothing leaves. The secrets of a
 * batch that are at hand have no promise each, but that of the group of records in which their own is.
 */
import type { Recorder } from '../audit/recorder.ts'
import type { Caller } from '../core/caller.ts'
import { type ProblemError, toProblem } from '../core/problem.ts'
import { createBatchReader, readAlone } from './batch.ts'
import type { Broker, Disclosure } from './broker.ts'
import type { Failed, Found, Seek, Sought } from './seek.ts'
import type { Grant } from './terms.ts'

type Result = Disclosure | ProblemError

interface Recorded {
  readonly done: Promise<void>
  /** Why it could not be recorded; undefined: it was. */
  readonly problem: Promise<ProblemError | undefined>
  /** Where in the results what it is about stands. */
  readonly at: number[]
}

const problemOf = (done: Promise<void>): Promise<ProblemError | undefined> =>
  done.then(() => undefined, toProblem)

export interface ReadingOptions {
  readonly recorder: Recorder
  readonly seek: Seek
}

export const createReading = ({
  recorder,
  seek
}: ReadingOptions): Pick<Broker, 'readSecret' | 'readSecrets'> => {
  const recordFound = (
    caller: Caller,
    { reference, view: { version }, cache }: Found,
    grant: Grant | undefined
  ): Promise<void> =>
    recorder.allowed(caller, 'secret.read', reference, { reason: grant?.by, version, cache })

  /** Resolves with what the caller is to see. */
  const recordFailed = (
    caller: Caller,
    { reference, error }: Failed,
    grant: Grant | undefined
  ): Promise<ProblemError> =>
    recorder.failed(caller, 'secret.read', reference, error, { reason: grant?.by })

  const record = async (
    caller: Caller,
    sought: Sought,
    grant: Grant | undefined
  ): Promise<Result> => {
    if ('error' in sought) return recordFailed(caller, sought, grant)
    await recordFound(caller, sought, grant)
    return sought
  }

  return {
    readSecret: async (caller, wanted, terms = {}) => {
      const { grant } = terms
      const seeking = seek(caller, wanted, readAlone, terms)
      const sought = seeking instanceof Promise ? await seeking : seeking
      // Not thrown, since to throw costs a fifth of a read.
      if ('error' in sought) return Promise.reject(await recordFailed(caller, sought, grant))
      await recordFound(caller, sought, grant)
      return sought
    },

    readSecrets: async (caller, wanted, terms = {}) => {
      const { grant } = terms
      const readFrom = createBatchReader(caller.client)
      const results: (Result | Promise<Result>)[] = []
      const records: Recorded[] = []
      for (const one of wanted) {
        const sought = seek(caller, one, readFrom, terms)
        if (sought instanceof Promise) {
          results.push(sought.then((found) => record(caller, found, grant)).catch(toProblem))
        } else if ('error' in sought) {
          results.push(recordFailed(caller, sought, grant).catch(toProblem))
        } else {
          const done = recordFound(caller, sought, grant)
          const last = records.at(-1)
          if (last?.done === done) last.at.push(results.length)
          else records.push({ done, problem: problemOf(done), at: [results.length] })
          results.push(sought)
        }
      }
      const given = await Promise.all(results)
      for (const { problem, at } of records) {
        const why = await problem
        if (why !== undefined) for (const i of at) given[i] = why
      }
      return given
    }
  }
}
