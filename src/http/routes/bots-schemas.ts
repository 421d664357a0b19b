/**
 * The shapes of bots, bot providers and their credentials. Rule: an object of VoiceAI's is theirs, member by member.
 */
import { type Static, Type } from 'typebox'
import { ChannelSchema } from '../../core/channel.ts'
import { SECRET_NAME } from '../../core/reference-grammar.ts'
import { Problem, strict } from '../schemas.ts'

const name = Type.String({ pattern: SECRET_NAME.source })
export const ObjectParams = Type.Object({ name }, strict)

export const CredentialsQuery = Type.Object(
  {
    partial: Type.Optional(
      Type.Enum(['true', 'false'], {
        description: '`true`: `results` by key in the place of `credentials`, some of them problems'
      })
    )
  },
  strict
)

const KeyResult = Type.Object({
  status: Type.Integer(),
  value: Type.Optional(Type.Unknown()),
  problem: Type.Optional(Problem)
})

/** One of the two: all credentials, or with `partial` what became of each. */
const outcome = {
  credentials: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), { description: 'by key, all of them' })
  ),
  results: Type.Optional(
    Type.Record(Type.String(), KeyResult, { description: 'by key, with `partial`' })
  )
}
export const CredentialsAnswer = Type.Object(outcome)
export type CredentialsAnswer = Static<typeof CredentialsAnswer>

export const ProviderAnswer = Type.Object({
  name: Type.String(),
  type: Type.Optional(Type.String()),
  ...outcome
})
export type ProviderAnswer = Static<typeof ProviderAnswer>

export const BotAnswer = Type.Object({
  name: Type.String(),
  provider: Type.Optional(ProviderAnswer),
  ...outcome
})

export const BotsAnswer = Type.Object({
  bots: Type.Array(
    Type.Object({
      name: Type.String(),
      displayName: Type.Optional(Type.String()),
      provider: Type.Optional(Type.String())
    })
  )
})

/** A bot or a provider in VoiceAI Connect's own form. */
export const TheirObject = Type.Record(Type.String(), Type.Unknown(), {
  description:
    'a bot or a bot provider as VoiceAI Connect writes it, with `credentials`, `credentialsAzureSecrets`, `credentialsVault`, `credentialsAwsSecrets`, `credentialsGcpSecrets`, `credentialsKubernetesSecrets`, `credentialsSecrets`'
})

export const ResolvedAnswer = Type.Object(outcome, {
  additionalProperties: true,
  description: 'the same object, its references replaced by `credentials`'
})

export const WrittenAnswer = Type.Object({ name: Type.String() })
export const RemovedAnswer = Type.Object({
  name: Type.String(),
  deleted: Type.Boolean({ description: 'false: there was none' })
})
export const ObjectsAnswer = Type.Object({
  objects: Type.Array(
    Type.Object({
      name: Type.String(),
      origin: Type.Enum(['file', 'runtime'] as const),
      displayName: Type.Optional(Type.String()),
      type: Type.Optional(Type.String()),
      provider: Type.Optional(Type.String()),
      credentials: Type.Optional(Type.Array(Type.String(), { description: 'their keys' })),
      bot: Type.Optional(Type.String()),
      kind: ChannelSchema.properties.kind,
      secrets: Type.Optional(Type.Array(Type.String(), { description: 'references' })),
      endpoint: Type.Optional(Type.String()),
      trustedOrigins: Type.Optional(Type.Array(Type.String())),
      userIds: Type.Optional(Type.Enum(['given', 'generated'] as const))
    })
  )
})
