/**
 * Every error as an answer, in the shape of its door; the native shape is RFC 9457's. Rule: what Fastify, Node and a
 * validator would say by themselves (a URL, a body, a driver's text) is replaced by an entry of our table.
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
import { asItStands } from './headers.ts'

const MEDIA_TYPE = 'application/problem+json; charset=utf-8'

/** Seconds after which a retry may succeed, if the peer did not say. */
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

/**
 * Names of up to three words, such as `expires`, `apiKey`, `max_days`. Anything else in the place of a name may be a
 * value that slipped there.
 */
const WORDS = /^[a-z]{2,14}(?:[A-Z][a-z]{1,13}|_[a-z]{1,14}){0,2}$/

/**
 * A missing member is named, since the name is ours; an unknown member's name is the caller's, and shown only if it
 * cannot be a value.
 */
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

// Other libraries' errors have a `statusCode` too: that of their peer. Fastify gives one also to Node's ECONNRESET,
// when the sender of a body hung up.
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
  session_required: 'Session realm="purser"',
  session_expired: 'Session realm="purser"',
  insufficient_scope: 'Bearer realm="purser", error="insufficient_scope"'
}

/**
 * The body of an error, for an answer or for one result in a batch; one with status 503 always says when to try again.
 */
export const problemBodyOf = ({ code, details }: ProblemError, requestId: string): ProblemBody => {
  const fallback = PROBLEMS[code].status === 503 ? DEFAULT_RETRY_AFTER : undefined
  const { retryAfter = fallback } = details
  return toProblemBody(new ProblemError(code, { ...details, retryAfter }), requestId)
}

/** An error as it is answered. */
export interface ErrorAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | number>>
  readonly body?: string
}

/** How a dialect writes an error. `request`: undefined for what has not become one. */
export type ErrorShape = (
  problem: ProblemError,
  requestId: string,
  request?: FastifyRequest
) => ErrorAnswer

/** What headers say of an error: how to authenticate (RFC 6750, 3), and when to come again. */
export const hintsOf = (
  code: ProblemCode,
  retryAfter: number | undefined
): ErrorAnswer['headers'] => {
  const challenge = challenges[code]
  return {
    ...(challenge !== undefined && { 'www-authenticate': challenge }),
    ...(retryAfter !== undefined && { 'retry-after': Math.ceil(retryAfter) })
  }
}

/** The shape of RFC 9457. */
export const problemShape: ErrorShape = (problem, requestId) => {
  const body = problemBodyOf(problem, requestId)
  return {
    status: body.status,
    headers: { ...hintsOf(problem.code, body.retryAfter), 'content-type': MEDIA_TYPE },
    body: JSON.stringify(body)
  }
}

export const sendError = (
  request: FastifyRequest,
  reply: FastifyReply,
  shape: ErrorShape,
  problem: ProblemError
): FastifyReply => {
  request.problem = problem
  const { status, headers, body } = shape(problem, request.id, request)
  reply.code(status).headers(headers)
  // What Fastify refuses before it has found a route has a reply of Fastify's own, without what we decorate ours with.
  const isOurs = 'sendShort' in reply
  if (body !== undefined && isOurs) return reply.sendShort(body)
  // The answer that the error replaces may have had a serializer of its own.
  return reply.serializer(asItStands).send(body)
}

/** Answers whatever is thrown in the shape. */
export const answerErrors =
  (shape: ErrorShape) =>
  (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const problem = toProblemError(error)
    if (problem.code === 'internal_error') {
      request.server.log.error({ reqId: request.id, err: error }, 'unexpected error')
    }
    return sendError(request, reply, shape, problem)
  }
