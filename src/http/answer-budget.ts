/**
 * What large answers may take of the memory. Rule: who does not read what was asked for cannot make the service keep it:
 * an answer has a size, all answers under way have one together, and each has a time to be taken.
 */
import type { onSendHookHandler } from 'fastify'
import { PROBLEMS, ProblemError, toProblemBody } from '../core/problem.ts'
import type { BatchResult } from './schemas.ts'

/** A hundred of AWS's largest secrets fit. */
export const ANSWER_MAX = 8 * 1024 * 1024
const TOGETHER_MAX = 8 * ANSWER_MAX
const TAKEN_WITHIN_MS = 20_000

const sizeOf = ({ value, data }: BatchResult): number =>
  value === undefined ? JSON.stringify(data ?? '').length : value.length

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

/** Smaller ones are no burden: they are many only where the limits of keys and addresses allow it. */
const LARGE = 64 * 1024

/** An `onSend` hook for routes whose answers may be large. */
export const createAnswerBudget = (): onSendHookHandler => {
  let together = 0
  return (_request, reply, payload, done) => {
    const size = typeof payload === 'string' ? payload.length : 0
    if (size < LARGE) return done(null, payload)
    if (together + size > TOGETHER_MAX) return done(new ProblemError('overloaded'))
    together += size
    const late = setTimeout(() => reply.raw.destroy(), TAKEN_WITHIN_MS).unref()
    reply.raw.once('close', () => {
      clearTimeout(late)
      together -= size
    })
    done(null, payload)
  }
}
