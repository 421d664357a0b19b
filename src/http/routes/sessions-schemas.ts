/** The shapes of administrators' sessions. */
import { Type } from 'typebox'
import { SIGN_IN_MEANS } from '../../keys/session.ts'

export const SessionAnswer = Type.Object({
  sessionId: Type.String({ description: 'on record with whatever is done in it' }),
  client: Type.String(),
  signedInBy: Type.Enum(SIGN_IN_MEANS),
  keyId: Type.Optional(Type.String({ description: 'of the API key that opened it' })),
  user: Type.Optional(Type.String({ description: 'the e-mail, of a sign-in at a provider' })),
  issuer: Type.Optional(Type.String({ description: 'that provider' })),
  subject: Type.Optional(Type.String({ description: 'whom it knows them by' })),
  mode: Type.String({ description: "the key's, or as `administrators:` has it" }),
  environment: Type.String(),
  csrfToken: Type.String({
    description: 'sent back as X-CSRF-Token with each request that is no GET'
  }),
  signedInAt: Type.String({ format: 'date-time' }),
  endsAt: Type.String({ format: 'date-time', description: 'unless something is done before' }),
  endsAtLatest: Type.String({ format: 'date-time' })
})

export const OpenedAnswer = Type.Object({
  ...SessionAnswer.properties,
  token: Type.Optional(
    Type.String({ description: "the cookie's value; where RETURN_JWT_IN_BODY is true" })
  )
})

export const EndedAnswer = Type.Object({
  sessionId: Type.String(),
  pending: Type.Optional(
    Type.Boolean({
      description: 'ended here; the other replicas follow as soon as Redis answers'
    })
  )
})
