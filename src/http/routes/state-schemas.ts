/** The shapes of requests and answers about sealed states. Rule: unknown members are refused. */
import { Type } from 'typebox'
import { STATE_TTL_MAX } from '../../integrations/sealed-state.ts'
import { strict } from '../schemas.ts'

const Binding = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 1024,
    description: 'what the browser that comes back has to show, e.g. a nonce in a cookie'
  })
)

export const SealBody = Type.Object(
  {
    data: Type.Unknown({ description: 'any JSON of up to 4096 bytes' }),
    ttlSeconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: STATE_TTL_MAX,
        description: `${STATE_TTL_MAX} if absent`
      })
    ),
    binding: Binding
  },
  strict
)
export const SealAnswer = Type.Object({
  state: Type.String({ description: 'of characters that a URL takes as they are' }),
  expiresAt: Type.String({ format: 'date-time' })
})

/** What is no state at all is refused like a forged one, by the same words: so there is no pattern here. */
export const OpenBody = Type.Object({ state: Type.String(), binding: Binding }, strict)
export const OpenAnswer = Type.Object({ data: Type.Unknown() })
