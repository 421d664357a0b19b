/**
 * Errors as the AWS Secrets Manager Agent writes them: of the agent itself a text, of Secrets Manager the JSON that it has
 * from there. Rule: as in `errors.ts`.
 */
import type { ProblemCode } from '../../core/problem.ts'
import type { ErrorShape } from '../../http/problems.ts'
import { errorTextOf } from './errors.ts'

const TEXT = 'text/plain; charset=utf-8'
export const JSON_TYPE = 'application/json'

type Text = readonly [status: number, text: string]

const BAD_TOKEN: Text = [403, 'Bad Token']
const BUSY: Text = [429, 'Connection limit exceeded']

/** What the agent answers by itself. */
const TEXTS: ReadonlyMap<ProblemCode, Text> = new Map<ProblemCode, Text>([
  ['authentication_required', BAD_TOKEN],
  ['invalid_api_key', BAD_TOKEN],
  ['conflicting_credentials', [400, 'a token is given twice']],
  ['rate_limited', BUSY],
  ['store_throttled', BUSY],
  ['method_not_allowed', [405, 'Not allowed']],
  ['route_not_found', [404, 'Not found']]
])

/** What it answers for a call to Secrets Manager that came to nothing. */
const FAILURES: ReadonlyMap<
  ProblemCode,
  readonly [status: number, type: string, message?: string]
> = new Map([
  ['store_unavailable', [502, 'ConnectionError', 'Read Error']],
  ['store_timeout', [504, 'TimeoutError', 'Timeout']]
])

export const agentShape: ErrorShape = (problem, requestId) => {
  const { status, type, message, retryAfter } = errorTextOf(problem, requestId)
  const hint = retryAfter === undefined ? {} : { 'retry-after': Math.ceil(retryAfter) }
  const { code } = problem
  const text: Text | undefined =
    TEXTS.get(code) ?? (code === 'invalid_request' ? [400, message] : undefined)
  if (text !== undefined) {
    return { status: text[0], headers: { ...hint, 'content-type': TEXT }, body: text[1] }
  }
  const failure = FAILURES.get(code)
  const [shownStatus, shownType, shownMessage] =
    failure ?? (status >= 500 ? [500, 'InternalFailure'] : [status, type, message])
  const body = {
    __type: shownType,
    ...(shownMessage !== undefined && { message: shownMessage })
  }
  return {
    status: shownStatus,
    headers: { ...hint, 'content-type': JSON_TYPE },
    body: JSON.stringify(body)
  }
}
