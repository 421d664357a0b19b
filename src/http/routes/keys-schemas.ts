/** The shapes of the care of keys. Rule: unknown members are refused. */
import { Type } from 'typebox'
import { CLIENT_NAME } from '../../core/policy.ts'
import { ENVIRONMENTS, MODES } from '../../core/principal.ts'
import { SCOPE, SCOPE_LENGTH_MAX } from '../../core/scope.ts'
import { MissingKey, SealedReport } from '../../integrations/sealed-report.ts'
import { KEY_ID } from '../../keys/key-id.ts'
import { NETWORK_LENGTH_MAX, NETWORKS_MAX } from '../../keys/networks.ts'
import { KeyUse } from '../../keys/usage.ts'
import { IntrospectAnswer, strict } from '../schemas.ts'
import { TrustName } from './login-schemas.ts'

const KeyId = Type.String({
  pattern: KEY_ID,
  description: 'UUID in lower case'
})

export const IssueBody = Type.Object(
  {
    client: Type.String({ pattern: CLIENT_NAME.source }),
    scopes: Type.Array(Type.String({ maxLength: SCOPE_LENGTH_MAX, pattern: SCOPE }), {
      minItems: 1,
      maxItems: 32,
      description: "each covered by one of the issuer's, or listed by a delegation of its client"
    }),
    mode: Type.Enum(MODES, { description: "no more than the issuer's, or the delegation's" }),
    environment: Type.Optional(Type.Enum(ENVIRONMENTS, { description: "the issuer's" })),
    minimumVersion: Type.Optional(
      Type.String({
        maxLength: 64,
        description: "semver, not below the issuer's; PLATFORM_VERSION if absent"
      })
    ),
    expires: Type.Optional(
      Type.String({
        pattern: '^[1-9][0-9]{0,4}d$',
        description: 'such as 90d; the key ends with its issuer at the latest'
      })
    ),
    expiresInDays: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 36_500,
        description: 'the former spelling of `expires`'
      })
    ),
    identifier: Type.Optional(KeyId),
    networks: Type.Optional(
      Type.Array(Type.String({ maxLength: NETWORK_LENGTH_MAX }), {
        minItems: 1,
        maxItems: NETWORKS_MAX,
        description:
          "from where the key may be used, such as 10.1.0.0/16: within the issuer's, which it has if absent"
      })
    )
  },
  strict
)
export const IssueAnswer = Type.Object({
  apiKey: Type.String({ description: 'shown this once, kept nowhere' }),
  key: Type.String({ description: 'the same, by its former name' }),
  ...Type.Required(Type.Omit(IntrospectAnswer, ['active', 'expiresAt', 'via', 'networks']))
    .properties,
  expiresAt: IntrospectAnswer.properties.expiresAt,
  via: IntrospectAnswer.properties.via,
  networks: IntrospectAnswer.properties.networks,
  endsWithIssuer: Type.Optional(
    Type.Boolean({ description: 'it was asked for longer than its issuer lives' })
  )
})

export const KeysQuery = Type.Object(
  {
    limit: Type.Optional(
      Type.String({
        pattern: '^([1-9][0-9]{0,2}|1000)$',
        description: 'up to 1000; 100 if absent'
      })
    ),
    cursor: Type.Optional(KeyId)
  },
  strict
)
export const KeysAnswer = Type.Object({
  keys: Type.Array(Type.Object({ ...KeyUse.properties, revoked: Type.Boolean() })),
  cursor: Type.Optional(Type.String({ description: 'asks for the next page' }))
})

export const KeyParams = Type.Object({ id: KeyId }, strict)
export const RevokeQuery = Type.Object(
  {
    issued: Type.Optional(
      Type.Enum(['true', 'false'], {
        description: 'true: also all keys that it issued, and those that these issued'
      })
    )
  },
  strict
)
export const RevokeAnswer = Type.Object({
  keyId: Type.String(),
  isNew: Type.Boolean({ description: 'false if it was revoked before' }),
  issued: Type.Optional(
    Type.Array(Type.String(), {
      description: 'with issued=true: the ids of the keys that were revoked with it'
    })
  ),
  pending: Type.Optional(
    Type.Boolean({
      description: 'in force here; the other replicas follow as soon as Redis answers'
    })
  )
})

export const TrustParams = Type.Object({ name: TrustName }, strict)
export const TrustRevokedAnswer = Type.Object({
  trust: Type.String(),
  issued: Type.Array(Type.String(), {
    description: 'the ids of its keys that were in force, and that these issued'
  }),
  pending: RevokeAnswer.properties.pending
})

export const EncryptionKeysQuery = Type.Object(
  {
    quietHours: Type.Optional(
      Type.String({
        pattern: '^(?:[1-9][0-9]{0,2}|[1-8][0-9]{3})$',
        description: 'for how long a key must not have been used to count as quiet; 24 if absent'
      })
    )
  },
  strict
)
export const EncryptionKeysAnswer = Type.Object({
  encryptionKeys: Type.Array(SealedReport, { description: 'in the order of ENCRYPTION_KEYS' }),
  missing: Type.Array(MissingKey, {
    description: 'encryption keys that something is sealed under and that nobody has any more'
  })
})
