/**
 * Errors as a Dapr sidecar writes them. Rule: what is forbidden, what is not there for this caller and what nobody has
 * configured are the same bytes, and no text names what was asked for, as Dapr's own do.
 * https://docs.dapr.io/reference/api/secrets_api/
 */
import { PROBLEMS, type ProblemCode } from '../../core/problem.ts'
import { type ErrorAnswer, type ErrorShape, problemBodyOf } from '../../http/problems.ts'

/** As Dapr has it, without a charset. */
export const JSON_TYPE = 'application/json'
const TEXT = 'text/plain; charset=utf-8'

type Said = Pick<ErrorAnswer, 'status' | 'body'> & { readonly type?: string }

export const errorBody = (errorCode: string, message: string): string =>
  JSON.stringify({ errorCode, message })

const said = (status: number, errorCode: string, message: string): Said => ({
  status,
  type: JSON_TYPE,
  body: errorBody(errorCode, message)
})

const BAD_TOKEN: Said = { status: 401, type: TEXT, body: 'invalid api token' }
const DENIED = said(403, 'ERR_PERMISSION_DENIED', 'access denied by policy')
/** To whom may read it. */
const NOTHING: Said = { status: 204 }
const NO_METHOD = (status: number): Said => said(status, 'ERR_METHOD_NOT_FOUND', 'method not found')
/** Whatever came of it at the store. */
const FAILED = said(500, 'ERR_SECRET_GET', 'failed getting secret')

const SAID: ReadonlyMap<ProblemCode, Said> = new Map([
  ['authentication_required', BAD_TOKEN],
  ['invalid_api_key', BAD_TOKEN],
  ['access_denied', DENIED],
  ['insufficient_scope', DENIED],
  ['insufficient_mode', DENIED],
  ['version_too_old', DENIED],
  ['secret_not_found', NOTHING],
  ['field_not_found', NOTHING],
  ['route_not_found', NO_METHOD(404)],
  ['method_not_allowed', NO_METHOD(405)],
  // As Dapr's own limit of requests says it, which is not the store's.
  ['rate_limited', { status: 429, type: TEXT, body: 'You have reached maximum request limit.' }],
  ['overloaded', said(503, 'ERR_SECRET_GET', 'not ready')],
  ['audit_unavailable', said(503, 'ERR_SECRET_GET', 'not ready')]
])

export const daprShape: ErrorShape = (problem, requestId) => {
  const { code } = problem
  const { title, detail, retryAfter } = problemBodyOf(problem, requestId)
  const { status } = PROBLEMS[code]
  const other = status < 500 ? said(status, 'ERR_MALFORMED_REQUEST', detail ?? title) : FAILED
  const { status: shown, type, body } = SAID.get(code) ?? other
  return {
    status: shown,
    headers: {
      ...(retryAfter !== undefined && { 'retry-after': Math.ceil(retryAfter) }),
      ...(type !== undefined && { 'content-type': type })
    },
    ...(body !== undefined && { body })
  }
}
