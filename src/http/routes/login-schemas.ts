/** The shapes of logins with a token: of OAuth (RFC 8693, RFC 6749) and of AWS's container credentials. */
import { type Static, Type } from 'typebox'

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'

const NAME = '^[a-z0-9][a-z0-9-]{0,62}$'
export const TrustName = Type.String({ pattern: NAME, description: 'of a member of `trusts:`' })
const TrustWanted = Type.Optional(
  Type.String({
    pattern: NAME,
    description: 'the name of a member of `trusts:`; found by the token if absent'
  })
)

/** More than a token may have. */
const Token = Type.String({ minLength: 1, maxLength: 12_288 })

/** Other parameters are ignored, as RFC 6749 has it. */
export const ExchangeBody = Type.Object({
  grant_type: Type.Literal(TOKEN_EXCHANGE),
  subject_token: { ...Token, description: 'the token that a cluster, a CI or a cloud signed' },
  subject_token_type: Type.Enum([
    'urn:ietf:params:oauth:token-type:jwt',
    'urn:ietf:params:oauth:token-type:id_token',
    ACCESS_TOKEN
  ]),
  scope: Type.Optional(
    Type.String({
      maxLength: 4_224,
      description: 'scopes with blanks between them, of those of the trust; all of them if absent'
    })
  ),
  audience: Type.Optional(
    Type.String({ maxLength: 1024, description: 'can only be that of the trust' })
  ),
  requested_token_type: Type.Optional(Type.Literal(ACCESS_TOKEN)),
  trust: TrustWanted,
  resource: Type.Optional(Type.String({ description: 'is not taken' })),
  actor_token: Type.Optional(Type.String({ description: 'is not taken' })),
  actor_token_type: Type.Optional(Type.String({ description: 'is not taken' }))
})
export type ExchangeBody = Static<typeof ExchangeBody>

export const FormOfExchange = {
  content: { 'application/x-www-form-urlencoded': { schema: ExchangeBody } }
}

export const ExchangeAnswer = Type.Object({
  access_token: Type.String({ description: 'an API key: shown this once, kept nowhere' }),
  issued_token_type: Type.Literal(ACCESS_TOKEN),
  token_type: Type.Literal('Bearer'),
  expires_in: Type.Integer({ description: 'seconds' }),
  scope: Type.String()
})

export const OAUTH_ERRORS = [
  'invalid_request',
  'invalid_scope',
  'invalid_target',
  'unsupported_grant_type',
  'temporarily_unavailable',
  'server_error'
] as const

export const OauthErrorAnswer = Type.Object({
  error: Type.Enum(OAUTH_ERRORS),
  error_description: Type.String({ description: 'one for every token that is not taken' })
})

export const AwsQuery = Type.Object({ trust: TrustWanted }, { additionalProperties: false })

export const AwsErrorAnswer = Type.Object({
  code: Type.String({ description: 'as the `code` of a problem' }),
  message: Type.String()
})

export const AwsAnswer = Type.Object({
  AccessKeyId: Type.String(),
  SecretAccessKey: Type.String({ description: 'signs requests to the AWS door' }),
  Token: Type.String({ description: 'an API key' }),
  Expiration: Type.String({ format: 'date-time' })
})
