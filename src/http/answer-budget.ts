/** How large an answer may become that is made of many secrets. Rule: what does not fit is left out and said, never cut. */
import { PROBLEMS, ProblemError, toProblemBody } from '../core/problem.ts'
import type { BatchResult } from './schemas.ts'

/** A hundred of AWS's largest secrets fit. */
export const ANSWER_MAX = 8 * 1024 * 1024

const sizeOf = ({ value, data }: BatchResult): number => value?.length ?? data?.reveal().length ?? 0

/** Leaves out the values for which there is no room; their results say to ask for them apart. */
export const withinAnswer = (results: readonly BatchResult[], requestId: string): BatchResult[] => {
  let size = 0
  return results.map((result) => {
    size += sizeOf(result)
    if (size <= ANSWER_MAX) return result
    const problem = new ProblemError('payload_too_large', {
      detail: 'the answer holds no more: ask for this secret apart'
    })
    const { status } = PROBLEMS[problem.code]
    return { ref: result.ref, status, problem: toProblemBody(problem, requestId) }
  })
}
