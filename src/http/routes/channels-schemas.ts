/** The shapes of requests and answers about channels and their tokens. Rule: unknown members are refused. */
import { Type } from 'typebox'
import { ChannelSchema } from '../../core/channel.ts'
import { SECRET_NAME } from '../../core/reference-grammar.ts'
import { USER_ID } from '../../integrations/direct-line.ts'
import { strict } from '../schemas.ts'

export const ChannelParams = Type.Object(
  {
    name: Type.String({
      pattern: SECRET_NAME.source,
      description: 'a channel of `channels:` or of run time'
    })
  },
  strict
)

/** As `channels:` has it; the name stands in the URL already. */
export const ChannelBody = Type.Object(
  {
    ...ChannelSchema.properties,
    name: Type.Optional(
      Type.String({ pattern: SECRET_NAME.source, description: 'if given, that of the URL' })
    )
  },
  { ...strict, description: 'a channel as `channels:` has it' }
)

const User = Type.Object(
  {
    id: Type.Optional(
      Type.String({
        pattern: USER_ID,
        description: 'begins with dl_ and cannot be guessed; made here if it is left out'
      })
    ),
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 256 }))
  },
  strict
)

export const IssueTokenBody = Type.Object({ user: Type.Optional(User) }, strict)

export const RefreshTokenBody = Type.Object(
  {
    token: Type.String({
      minLength: 1,
      maxLength: 8192,
      pattern: '^[A-Za-z0-9._~+/=-]+$',
      description: 'not expired'
    })
  },
  strict
)

export const TokenAnswer = Type.Object({
  conversationId: Type.Optional(Type.String({ description: 'absent for kind webchat' })),
  token: Type.String(),
  expires_in: Type.Optional(Type.Integer({ description: 'seconds; absent for kind webchat' })),
  userId: Type.Optional(
    Type.String({
      description: 'absent for kind webchat, and where a refreshed token does not say'
    })
  ),
  domain: Type.String({ description: 'for the client that will use the token' })
})
