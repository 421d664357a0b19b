/**
 * What clients of AWS Secrets Manager ask for, as far as it is served. Rule: a member that we would have to ignore is refused:
 * who asks for a KMS key or for tags must not believe that he has got them.
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_Operations.html
 */
import { type Static, Type } from 'typebox'

const strict = { additionalProperties: false }

const SecretId = Type.String({ minLength: 1, maxLength: 2_048 })
const VersionId = Type.String({ minLength: 32, maxLength: 64 })
const VersionStage = Type.String({ minLength: 1, maxLength: 256 })
const NextToken = Type.String({ minLength: 1, maxLength: 4_096 })
const SecretText = Type.String({ minLength: 1, maxLength: 65_536 })
const SecretBinary = Type.String({ minLength: 1, maxLength: 87_384 })

export const GetSecretValueRequest = Type.Object(
  {
    SecretId,
    VersionId: Type.Optional(VersionId),
    VersionStage: Type.Optional(VersionStage)
  },
  strict
)
export type GetSecretValueRequest = Static<typeof GetSecretValueRequest>

export const BatchGetSecretValueRequest = Type.Object(
  { SecretIdList: Type.Array(SecretId, { minItems: 1, maxItems: 20 }) },
  strict
)

export const DescribeSecretRequest = Type.Object({ SecretId }, strict)

const NameFilter = Type.Object(
  {
    Key: Type.Literal('name'),
    Values: Type.Array(Type.String({ minLength: 1, maxLength: 512 }), { minItems: 1, maxItems: 10 })
  },
  strict
)
export const ListSecretsRequest = Type.Object(
  {
    Filters: Type.Optional(Type.Array(NameFilter, { maxItems: 10 })),
    MaxResults: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
    NextToken: Type.Optional(NextToken),
    IncludePlannedDeletion: Type.Optional(Type.Boolean())
  },
  strict
)
export type ListSecretsRequest = Static<typeof ListSecretsRequest>

const written = {
  SecretString: Type.Optional(SecretText),
  SecretBinary: Type.Optional(SecretBinary),
  /** That of a write which is repeated; SDKs make it. */
  ClientRequestToken: Type.Optional(VersionId)
}
export const PutSecretValueRequest = Type.Object(
  {
    SecretId,
    ...written,
    VersionStages: Type.Optional(Type.Array(VersionStage, { maxItems: 20 }))
  },
  strict
)

export const CreateSecretRequest = Type.Object(
  { Name: Type.String({ minLength: 1, maxLength: 512 }), ...written },
  strict
)
