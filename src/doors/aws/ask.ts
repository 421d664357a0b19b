/** One request of an AWS client as its operation sees it, and the sending of its answer. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Caller } from '../../core/caller.ts'
import { LARGE } from '../../http/ledger.ts'
import { lengthOf } from '../../secrets/content.ts'
import type { View } from '../../secrets/view.ts'
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

/** Resolves with the answer's text, which is written once there is room for it: `views` are what it holds. */
export interface Answer {
  readonly views: readonly View[]
  readonly write: () => string
}

export type Operation = (ask: Ask) => Promise<Answer>

/** Characters of all secrets in it. */
const lengthIn = ({ views }: Answer): number =>
  views.reduce((sum, { selection }) => sum + lengthOf(selection), 0)

export const sendAnswer = (
  { request, reply }: Pick<Ask, 'request' | 'reply'>,
  answer: Answer,
  type: string | undefined = MEDIA_TYPE
): FastifyReply => {
  reply.header('x-amzn-requestid', request.id)
  if (type !== undefined) reply.type(type)
  if (lengthIn(answer) < LARGE) return reply.sendShort(answer.write())
  const selections = answer.views.map(({ selection }) => selection)
  return reply.serializer(answer.write).send({ selections })
}
