/**
 * From resolved configurations to what the caller reads. Rule: beside `disclosure.ts`, the one place where a value is
 * revealed.
 */

import { PROBLEMS, ProblemError } from '../core/problem.ts'
import type { Resolved, ResolvedConfiguration } from '../integrations/bots.ts'
import { ANSWER_MAX } from './disclosure.ts'
import { problemBodyOf } from './problems.ts'
import type { CredentialsAnswer, ProviderAnswer } from './routes/bots-schemas.ts'

export interface AnswerOptions {
  readonly partial: boolean
  readonly requestId: string
}

/** A configuration that is too large for an answer is refused as a whole: half of one is of no use. */
const refuseLarge = (values: readonly unknown[]): void => {
  let size = 0
  for (const value of values) {
    size += typeof value === 'string' ? value.length : (JSON.stringify(value)?.length ?? 0)
    if (size <= ANSWER_MAX) continue
    throw new ProblemError('payload_too_large', {
      detail: 'the credentials are more than an answer holds'
    })
  }
}

/** Members are made by `fromEntries`, since a key may be called `__proto__`. */
export const credentialsAnswer = (
  resolved: Resolved,
  { partial, requestId }: AnswerOptions
): CredentialsAnswer => {
  const revealed = [...resolved].map(
    ([key, result]) => [key, result instanceof ProblemError ? result : result.reveal()] as const
  )
  refuseLarge(revealed.map(([, value]) => (value instanceof ProblemError ? '' : value)))
  if (!partial) return { credentials: Object.fromEntries(revealed) }
  const results = revealed.map(([key, value]) => [
    key,
    value instanceof ProblemError
      ? { status: PROBLEMS[value.code].status, problem: problemBodyOf(value, requestId) }
      : { status: 200, value }
  ])
  return { results: Object.fromEntries(results) }
}

export const providerAnswerOf = (
  { configuration: { name, type }, resolved }: ResolvedConfiguration,
  options: AnswerOptions
): ProviderAnswer => ({
  name,
  ...(type !== undefined && { type }),
  ...credentialsAnswer(resolved, options)
})
