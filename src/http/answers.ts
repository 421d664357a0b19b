/**
 * Tells of each answer once it is over, however it went out: also of what was refused before it had a route, and of what
 * nobody waited for any more. Rule: it costs the way of a request one pointer; what is told names a route's template
 * and never a URL.
 */
import type { ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ProblemCode } from '../core/problem.ts'
import { routeText } from '../core/route-text.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What the answer's status would be, where a caller may choose it; 0: it is what was sent. */
    ownStatus: number
  }
}

export interface Answer {
  /** As `core/route-text.ts` has it; method and template may be empty. */
  readonly route: string
  /** 499 if the caller was gone before the answer had begun. Never one that the caller chose: alerts count by it. */
  readonly status: number
  /** Undefined: no problem, and the system has taken the whole answer. */
  readonly code: ProblemCode | 'aborted' | undefined
  /** From the head of the request, in milliseconds; undefined: the request was not read so far. */
  readonly durationMs: number | undefined
}

export type OnAnswer = (answer: Answer) => void

const REQUEST = Symbol('the request of a response')
interface OfRequest extends ServerResponse {
  [REQUEST]?: FastifyRequest
}

export const remember = (request: FastifyRequest, { raw }: FastifyReply): void => {
  const response: OfRequest = raw
  response[REQUEST] = request
}

const GONE = 499

/**
 * Admission has worked it out, unless the request was refused before it. What Fastify refuses by itself is a request
 * without what we decorate ours with.
 */
const routeOf = (response: ServerResponse, request: FastifyRequest | undefined): string => {
  if (request?.route) return request.route
  const { method = '' } = response.req
  if (request === undefined || request.is404) return routeText(undefined, method, '')
  const { url = '', config } = request.routeOptions
  return routeText(config?.dialect, method, url)
}

/** Of a response that is closed. */
export const answerOf = (response: OfRequest): Answer => {
  const { [REQUEST]: request, headersSent, statusCode } = response
  const durationMs = request?.receivedAt ? performance.now() - request.receivedAt : undefined
  const route = routeOf(response, request)
  if (!headersSent) return { route, status: GONE, code: 'aborted', durationMs }
  const code = request?.problem?.code ?? (response.writableFinished ? undefined : 'aborted')
  return { route, status: request?.ownStatus || statusCode, code, durationMs }
}
