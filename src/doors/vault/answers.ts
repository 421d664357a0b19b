/** The envelope in which Vault answers. Rule: it is written, not serialized, so that the text of a secret stays as stored. */
import type { FastifyReply } from 'fastify'
import type { View } from '../../secrets/view.ts'
import { sendViews } from '../send.ts'
import { JSON_TYPE } from './errors.ts'

export interface Envelope {
  /** JSON. */
  readonly data?: string
  /** JSON. */
  readonly auth?: string
  readonly warnings?: readonly string[]
  readonly leaseDuration?: number
}

export const writeEnvelope = (
  requestId: string,
  { data = 'null', auth = 'null', warnings, leaseDuration = 0 }: Envelope
): string =>
  `{"request_id":"${requestId}","lease_id":"","renewable":false,"lease_duration":${leaseDuration},"data":${data},"wrap_info":null,"warnings":${JSON.stringify(warnings ?? null)},"auth":${auth}}\n`

export const send = (reply: FastifyReply, body: string, status = 200): FastifyReply =>
  reply.code(status).header('content-type', JSON_TYPE).sendShort(body)

/** Of a secret. */
export const sendSecret = (
  reply: FastifyReply,
  view: View,
  envelopeOf: () => Envelope
): FastifyReply => {
  const write = (): string => writeEnvelope(reply.request.id, envelopeOf())
  return sendViews(reply.header('content-type', JSON_TYPE), { views: [view], write })
}

export const sendEnvelope = (reply: FastifyReply, envelope: Envelope): FastifyReply =>
  send(reply, writeEnvelope(reply.request.id, envelope))
