/**
 * Changes of secrets: how the clouds tell of them, and how callers are told. Rule: neither way ever carries a value.
 */

import type { Principal } from '../../core/principal.ts'
import type { Receiver } from '../../events/receive.ts'
import type { Watch } from '../../events/watch.ts'
import { arrivalOf, callerOf } from '../caller.ts'
import { createEventStream } from '../event-stream.ts'
import type { TypedFastify } from '../route-auth.ts'
import { BatchQuery } from '../schemas.ts'
import {
  AnyQuery,
  EventAnswer,
  EventBody,
  EventParams,
  EventStreamAnswer,
  HandshakeAnswer,
  HandshakeHeaders,
  WatchHeaders
} from './events-schemas.ts'

/** SNS calls its JSON text, CloudEvents has a media type of its own. */
const JSON_BY_OTHER_NAMES =
  /^\s*(?:text\/plain|application\/cloudevents(?:-batch)?\+json)\s*(?=;|$)/i

const internal = { auth: { kind: 'internal' } } as const

export interface EventWebhookOptions {
  readonly receiver: Receiver
}

export const addEventWebhook = (app: TypedFastify, { receiver }: EventWebhookOptions): void => {
  app.post(
    '/internal/events/:store',
    {
      config: internal,
      onRequest: (request, _reply, done) => {
        const { headers } = request.raw
        headers['content-type'] = headers['content-type']?.replace(
          JSON_BY_OTHER_NAMES,
          'application/json'
        )
        done()
      },
      schema: {
        operationId: 'receiveEvent',
        summary: "Take a cloud's notification of a changed secret, and invalidate what it names",
        params: EventParams,
        querystring: AnyQuery,
        body: EventBody,
        response: { 200: EventAnswer }
      }
    },
    async (request): Promise<EventAnswer> => {
      const { authorization } = request.headers
      const delivery = { body: request.body, authorization }
      return receiver.receive(arrivalOf(request), request.params.store, delivery)
    }
  )

  app.options(
    '/internal/events/:store',
    {
      config: internal,
      schema: {
        operationId: 'welcomeEvents',
        summary: 'The handshake of CloudEvents webhooks, for Event Grid',
        params: EventParams,
        querystring: AnyQuery,
        headers: HandshakeHeaders,
        response: { 200: HandshakeAnswer }
      }
    },
    async (request, reply) => {
      const origin = request.headers['webhook-request-origin']
      await receiver.welcome(arrivalOf(request), request.params.store, origin)
      return reply
        .header('webhook-allowed-origin', origin)
        .header('webhook-allowed-rate', '*')
        .send(undefined)
    }
  )
}

export interface EventStreamOptions {
  readonly watch: Pick<Watch, 'check' | 'open'>
  /** Whether the key would still be accepted. */
  readonly isAccepted: (principal: Principal, address: string) => boolean
}

export const addEventStream = (
  app: TypedFastify,
  { watch, isAccepted }: EventStreamOptions
): void => {
  app.get(
    '/v1/events',
    {
      config: { auth: { kind: 'key', scope: 'secrets', discloses: true } },
      schema: {
        operationId: 'watchSecrets',
        summary: 'Be told, as server-sent events, that up to 100 secrets changed; never the value',
        querystring: BatchQuery,
        headers: WatchHeaders,
        response: { 200: EventStreamAnswer }
      }
    },
    async (request, reply) => {
      const caller = callerOf(request)
      const refs = [request.query.ref].flat()
      const { principal } = request
      const limited = app.chargeKey(request, reply, refs.length - 1)
      if (limited !== undefined) return Promise.reject(limited)
      reply
        .type('text/event-stream')
        .header('x-accel-buffering', 'no')
        // So that the end of the stream is the end of the connection, which nothing has to wait for.
        .header('connection', 'close')
      if (request.method === 'HEAD') {
        await watch.check(caller, refs)
        return reply.send(undefined)
      }
      const { body, listener } = createEventStream(() => reply.raw.destroy())
      const leave = await watch.open(
        caller,
        {
          refs,
          lastId: request.headers['last-event-id'],
          isAccepted: () => principal !== null && isAccepted(principal, request.address)
        },
        listener
      )
      reply.raw.once('close', leave)
      if (reply.raw.destroyed) leave()
      return reply.send(body)
    }
  )
}
