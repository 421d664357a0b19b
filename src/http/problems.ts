/**
 * Every answer that is an error, in one shape (RFC 9457). Rule: what Fastify, Node and a validator would say of their own
 * accord (a URL, a body, a driver's text) is replaced by an entry of our table.
 */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import {
  PROBLEMS,
  type ProblemCode,
  ProblemError,
  type ProblemPointer,
  toProblemBody
} from '../core/problem.ts'

const MEDIA_TYPE = 'application/problem+json; charset=utf-8'

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

/** Where the fault is and which rule it breaks; the validator's own message may hold the value. */
const pointersOf = (error: FastifyError): ProblemPointer[] =>
  (error.validation ?? []).map(({ instancePath, keyword, params }) => {
    const named = params['additionalProperty'] === undefined ? params['missingProperty'] : undefined
    const member = typeof named === 'string' ? `/${named}` : ''
    return {
      pointer: `/${error.validationContext ?? 'body'}${instancePath}${member}`,
      rule: keyword
    }
  })

export const toProblemError = (error: unknown): ProblemError => {
  if (error instanceof ProblemError) return error
  const { statusCode, validation } = error as Partial<FastifyError>
  const code = codeOfStatus.get(statusCode ?? 500) ?? 'internal_error'
  if (validation === undefined) return new ProblemError(code)
  return new ProblemError(code, { errors: pointersOf(error as FastifyError) })
}

const challenges: Partial<Record<ProblemCode, string>> = {
  authentication_required: 'Bearer realm="purser"',
  invalid_api_key: 'Bearer realm="purser", error="invalid_token"',
  insufficient_scope: 'Bearer realm="purser", error="insufficient_scope"'
}

export const sendProblem = (
  request: FastifyRequest,
  reply: FastifyReply,
  error: ProblemError
): FastifyReply => {
  const { status } = PROBLEMS[error.code]
  const retryAfter = error.details.retryAfter ?? (status === 503 ? DEFAULT_RETRY_AFTER : undefined)
  const body = toProblemBody(
    retryAfter === undefined
      ? error
      : new ProblemError(error.code, { ...error.details, retryAfter }),
    request.id
  )
  const challenge = challenges[error.code]
  if (challenge !== undefined) reply.header('www-authenticate', challenge)
  if (retryAfter !== undefined) reply.header('retry-after', Math.ceil(retryAfter))
  // A serializer of the route's success schema would drop members of the problem.
  return reply.code(status).type(MEDIA_TYPE).serializer(JSON.stringify).send(body)
}

/** For what never reaches a route: a request line or headers that Node's parser gave up on, or that came too slowly. */
export const refuseConnection = (
  error: NodeJS.ErrnoException,
  socket: Socket,
  headers: Readonly<Record<string, string>>
): void => {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  const code: ProblemCode =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? 'header_too_large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? 'request_timeout'
        : 'invalid_request'
  const { status } = PROBLEMS[code]
  const body = JSON.stringify(toProblemBody(new ProblemError(code)))
  const lines = Object.entries({
    ...headers,
    'content-type': MEDIA_TYPE,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close'
  }).map(([name, value]) => `${name}: ${value}`)
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('\r\n')}\r\n\r\n${body}`)
}
