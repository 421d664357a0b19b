/** One request of an AWS client as its operation sees it, and the sending of its answer. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Caller } from '../../core/caller.ts'
import { type Answer, sendViews } from '../send.ts'
import { MEDIA_TYPE } from './errors.ts'
import type { Place } from './secrets.ts'

export interface Ask {
  readonly place: Place
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly caller: Caller
  readonly body: Buffer
  /** That ARNs name. */
  readonly region: string
}

export type Operation = (ask: Ask) => Promise<Answer>

export const sendAnswer = (
  { request, reply }: Pick<Ask, 'request' | 'reply'>,
  answer: Answer,
  type = MEDIA_TYPE
): FastifyReply => sendViews(reply.header('x-amzn-requestid', request.id).type(type), answer)
