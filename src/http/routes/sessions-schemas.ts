/** The shapes of administrators' sessions. */
import { type Static, Type } from 'typebox'
import { CLIENT_NAME } from '../../core/policy.ts'
import { KEY_ID } from '../../keys/key-id.ts'
import { SIGN_IN_MEANS } from '../../keys/session.ts'
import { strict } from '../schemas.ts'

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

export const SessionRow = Type.Object({
  ...Type.Omit(SessionAnswer, ['csrfToken']).properties,
  own: Type.Boolean({ description: 'of whoever asks: the same key, or the same user' }),
  current: Type.Boolean({ description: 'the one that asks' }),
  reauthenticatedAt: Type.Optional(
    Type.String({ format: 'date-time', description: 'when its user last signed in once more' })
  ),
  lastActAt: Type.String({ format: 'date-time', description: 'to the minute' }),
  address: Type.Optional(Type.String({ description: 'from where its last act came' }))
})
export type SessionRow = Static<typeof SessionRow>

export const SessionsAnswer = Type.Object({
  sessions: Type.Array(SessionRow, { description: 'the newest first' })
})

export const SessionParams = Type.Object(
  { id: Type.String({ pattern: KEY_ID, description: 'as `sessionId`' }) },
  strict
)

export const EndSessionsQuery = Type.Union([
  Type.Object({ own: Type.Literal('true') }, strict),
  Type.Object({ client: Type.String({ pattern: CLIENT_NAME.source }) }, strict),
  Type.Object({ all: Type.Literal('true') }, strict)
])
export type EndSessionsQuery = Static<typeof EndSessionsQuery>

export const SessionsEndedAnswer = Type.Object({
  ended: Type.Array(Type.String(), { description: 'their `sessionId`' }),
  pending: EndedAnswer.properties.pending
})
