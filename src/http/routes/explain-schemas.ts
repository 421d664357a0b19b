/** The shapes of explanations. Rule: unknown members are refused, and a key comes in a body, never in a URL. */
import { Type } from 'typebox'
import { Delegations, KeyMembers, ResolveBody, SecretQuery, strict, UsedFrom } from '../schemas.ts'

const { ref, version, field } = SecretQuery.anyOf[0].properties

export const ExplainQuery = Type.Object(
  { client: ResolveBody.properties.client, ref, version, field },
  strict
)
export const ExplainBody = Type.Object(
  { ...KeyMembers, ref, version, field, address: UsedFrom },
  strict
)
export const ExplainAnswer = Type.Object({
  client: Type.String({ description: 'empty for a key that cannot be opened' }),
  keyId: Type.Optional(Type.String()),
  reference: Type.Optional(Type.String({ description: 'canonical' })),
  delegations: Type.Optional(Delegations),
  allowed: Type.Boolean({ description: 'no check refuses' }),
  checks: Type.Array(
    Type.Object({
      check: Type.String(),
      verdict: Type.Enum(['passes', 'refuses', 'open'], {
        description: 'open: decided only by asking, which an explanation does not do'
      }),
      detail: Type.String(),
      rule: Type.Optional(Type.Object({ index: Type.Integer(), pattern: Type.String() }))
    }),
    { description: 'in the order in which they are made' }
  )
})
