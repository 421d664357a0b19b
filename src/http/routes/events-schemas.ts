/**
 * The shapes of events: what the clouds send, and what a watcher asks for. Rule: a cloud's own members are let through.
 */
import type { Readable } from 'node:stream'
import { type Static, Type } from 'typebox'
import { STORE_NAME } from '../../core/reference-grammar.ts'
import { Pending, strict } from '../schemas.ts'

export const EventParams = Type.Object(
  {
    store: Type.String({
      pattern: STORE_NAME.source,
      description: 'the name of a configured store'
    })
  },
  strict
)

const AnyObject = Type.Object({}, { additionalProperties: true })

/** Clouds append what they like to the address that they were given. */
export const AnyQuery = Type.Object({}, { additionalProperties: true })

export const EventBody = Type.Union(
  [AnyObject, Type.Array(AnyObject, { minItems: 1, maxItems: 100 })],
  {
    description:
      "an event as the store's cloud sends it (EventBridge or SNS, Event Grid or CloudEvents, Pub/Sub push), or `{path}` or `{paths}`"
  }
)

export const EventAnswer = Type.Object({
  invalidated: Type.Integer({ description: 'secrets that were named and are read anew' }),
  ignored: Type.Integer({ description: 'events that name no secret of the store' }),
  pending: Pending,
  validationResponse: Type.Optional(Type.String({ description: 'for the handshake of Event Grid' }))
})
export type EventAnswer = Static<typeof EventAnswer>

/** An answer of headers alone. */
export const HandshakeAnswer = Type.Unsafe<undefined>(Type.Null({ description: 'Welcome' }))

export const HandshakeHeaders = Type.Object({
  'webhook-request-origin': Type.String({ maxLength: 256, description: 'who asks to send' })
})

export const WatchHeaders = Type.Object({
  'last-event-id': Type.Optional(
    Type.String({
      maxLength: 256,
      description: 'the last id that was received, to go on from there'
    })
  )
})

export const EventStreamAnswer = {
  description:
    'A stream that stays open. `event: changed` with `data: {"ref": "<as asked>"}`: read it anew. `event: reset`: what changed meanwhile is not known, read all of them anew. A comment every 15 seconds.',
  content: { 'text/event-stream': { schema: Type.Unsafe<Readable | undefined>(Type.String()) } }
}
