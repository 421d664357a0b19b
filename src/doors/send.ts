/** Sends what is made of secrets. Rule: a long answer is written only once there is room for it. */
import type { FastifyReply } from 'fastify'
import { LARGE } from '../http/ledger.ts'
import { lengthOf } from '../secrets/content.ts'
import type { View } from '../secrets/view.ts'

export interface Answer {
  /** All that it holds of secrets. */
  readonly views: readonly Pick<View, 'selection'>[]
  readonly write: () => string
}

export const sendViews = (reply: FastifyReply, { views, write }: Answer): FastifyReply => {
  const selections = views.map(({ selection }) => selection)
  const length = selections.reduce((sum, selection) => sum + lengthOf(selection), 0)
  if (length < LARGE) return reply.sendShort(write())
  return reply.serializer(write).send({ selections })
}
