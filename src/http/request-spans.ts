/**
 * Follows each request from its head to the end of its answer, where traces are wanted. Rule: whatever a handler begins
 * belongs to its request, and a span ends however the answer goes out, also with a caller that left.
 */
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { type Answer, answerOf, remember } from './answers.ts'

interface RequestSpan {
  /** What the work begins belongs to the request. */
  readonly within: (work: () => void) => void
  readonly end: (answer: Answer) => void
}

export type BeginRequest = (request: IncomingMessage) => RequestSpan

/** To be added before all other hooks, which may refuse the request. */
export const addRequestSpans = (server: FastifyInstance, begin: BeginRequest): void => {
  server.addHook('onRequest', (request, reply, done) => {
    const span = begin(request.raw)
    remember(request, reply)
    reply.raw.once('close', () => span.end(answerOf(reply.raw)))
    span.within(done)
  })
}
