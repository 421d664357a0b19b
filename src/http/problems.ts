/**
 * Every answer that is an error, in one shape (RFC 9457). Rule: what Fastify, Node and a validator would say of their own
 * accord (a URL, a body, a driver's text) is replaced by an entry of our table.
 */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import {
  PROBLEMS,
  type ProblemBody,
  type ProblemCode,
  ProblemError,
  type ProblemPointer,
  toProblemBody
} from '../core/problem.ts'

export const MEDIA_TYPE = 'application/problem+json; charset=utf-8'

/** Seconds after which a retry is worth while, where the peer did not say. */
const DEFAULT_RETRY_AFTER = 2

const codeOfStatus: ReadonlyMap<number, ProblemCode> = new Map([
  [400, 'invalid_request'],
  [404, 'route_not_found'],
  [405, 'method_not_allowed'],
  [408, 'request_timeout'],
  [413, 'payload_too_large'],
  [414, 'uri_too_long'],
  [415, 'unsupported_media_type'],
  [431, 'header_too_large'],
  [503, 'overloaded']
])

/** `expires`, `apiKey`, `max_days`: up to three words. What else stands in a name's place may be a value that slipped there. */
const WORDS = /^[a-z]{2,14}(?:[A-Z][a-z]{1,13}|_[a-z]{1,14}){0,2}$/

/** A missing member is named, since the name is ours; an unknown one is the caller's, and named only where it can be no value. */
const memberIn = ({ missingProperty, additionalProperty }: Record<string, unknown>): string => {
  if (typeof missingProperty === 'string') return `/${missingProperty}`
  const isName = typeof additionalProperty === 'string' && additionalProperty.length <= 24
  return isName && WORDS.test(additionalProperty) ? `/${additionalProperty}` : ''
}

/** Where the fault is and which rule it breaks. The validator's own message may hold the value. */
const pointersOf = ({ validation, validationContext }: FastifyError): ProblemPointer[] =>
  (validation ?? []).map(({ instancePath, keyword, params }) => ({
    pointer: `/${validationContext ?? 'body'}${instancePath}${memberIn(params)}`,
    rule: keyword
  }))

// Other libraries' errors have a `statusCode` too: that of their peer. Fastify gives one also to Node's ECONNRESET, when
// the sender of a body hung up.
const isFastifyError = (error: unknown): error is FastifyError =>
  error instanceof Error &&
  /^(?:FST_|ECONNRESET$)/.test((error as Partial<FastifyError>).code ?? '')

export const toProblemError = (error: unknown): ProblemError => {
  if (error instanceof ProblemError) return error
  if (!isFastifyError(error)) return new ProblemError('internal_error')
  const code = codeOfStatus.get(error.statusCode ?? 500) ?? 'internal_error'
  return new ProblemError(code, error.validation && { errors: pointersOf(error) })
}

const challenges: Partial<Record<ProblemCode, string>> = {
  authentication_required: 'Bearer realm="purser"',
  invalid_api_key: 'Bearer realm="purser", error="invalid_token"',
  insufficient_scope: 'Bearer realm="purser", error="insufficient_scope"'
}

/** What WWW-Authenticate says of the code (RFC 6750, 3). */
export const challengeOf = (code: ProblemCode): string | undefined => challenges[code]

/** The body, of an answer or of one result in a batch; where nobody said when to come again, it says so. */
export const problemBodyOf = ({ code, details }: ProblemError, requestId: string): ProblemBody => {
  const fallback = PROBLEMS[code].status === 503 ? DEFAULT_RETRY_AFTER : undefined
  const { retryAfter = fallback } = details
  return toProblemBody(new ProblemError(code, { ...details, retryAfter }), requestId)
}

export const sendProblem = (
  request: FastifyRequest,
  reply: FastifyReply,
  error: ProblemError
): FastifyReply => {
  request.problem = error
  const body = problemBodyOf(error, request.id)
  const challenge = challengeOf(error.code)
  if (challenge !== undefined) reply.header('www-authenticate', challenge)
  if (body.retryAfter !== undefined) reply.header('retry-after', Math.ceil(body.retryAfter))
  // The answer that it takes the place of may have had a serializer of its own.
  return reply.code(body.status).type(MEDIA_TYPE).serializer(JSON.stringify).send(body)
}
