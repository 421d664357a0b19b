/**
 * Bots, providers and channels, for the page: where each credential comes from, on demand whether it can be read, and a
 * token of a channel, tried. Rule: no credential and no token is in an answer.
 */
import { type Static, Type } from 'typebox'
import { type ProblemCode, ProblemError } from '../core/problem.ts'
import { callerOf } from '../http/caller.ts'
import type { TypedFastify } from '../http/route-auth.ts'
import { ObjectParams } from '../http/routes/bots-schemas.ts'
import { strict } from '../http/schemas.ts'
import type { Channels } from '../integrations/channels.ts'
import { sourcesIn, type TrySources } from '../integrations/credential-sources.ts'
import {
  type ResourceKind,
  type ResourceTypes,
  resourceKinds
} from '../integrations/resource-kinds.ts'
import type { Resources } from '../integrations/resources.ts'

export interface IntegrationsOptions extends TrySources {
  readonly resources: Resources
  readonly channels: Pick<Channels, 'tryToken'>
}

const source = {
  name: Type.String(),
  reference: Type.Optional(
    Type.String({ description: 'absent: it is written in the configuration' })
  )
}

const named = {
  name: Type.String(),
  displayName: Type.Optional(Type.String()),
  origin: Type.Enum(['file', 'runtime']),
  sources: Type.Array(Type.Object(source))
}
const IntegrationsAnswer = Type.Object({
  bots: Type.Array(Type.Object({ ...named, provider: Type.Optional(Type.String()) })),
  providers: Type.Array(Type.Object({ ...named, type: Type.Optional(Type.String()) })),
  channels: Type.Array(
    Type.Object({
      ...named,
      bot: Type.Optional(Type.String()),
      kind: Type.Enum(['directline', 'webchat']),
      endpoint: Type.String(),
      trustedOrigins: Type.Array(Type.String())
    })
  )
})
type IntegrationsAnswer = Static<typeof IntegrationsAnswer>

const TriedAnswer = Type.Object({
  sources: Type.Array(
    Type.Object({
      ...source,
      resolves: Type.Boolean({ description: 'it could be read now, as one text' }),
      code: Type.Optional(Type.String({ description: 'the code of a problem, where it could not' }))
    })
  )
})

const TokenAnswer = Type.Object({
  accepted: Type.Boolean({ description: 'Direct Line gave one, which was thrown away' }),
  code: Type.Optional(Type.String())
})

const config = { auth: { kind: 'session' }, cors: false } as const

const integrationsOf = ({
  resources
}: Pick<IntegrationsOptions, 'resources'>): IntegrationsAnswer => {
  const commonOf = <K extends ResourceKind>(kind: K, resource: ResourceTypes[K]) => {
    const { name } = resource
    const origin: 'file' | 'runtime' = resources.isOfFile(kind, name) ? 'file' : 'runtime'
    return { name, origin, sources: [...sourcesIn(kind, resource)] }
  }
  const shownOf = ({ displayName, type, provider }: ResourceTypes['bots']) => ({
    ...(displayName !== undefined && { displayName }),
    ...(type !== undefined && { type }),
    ...(provider !== undefined && { provider })
  })
  const { all } = resources
  return {
    bots: all('bots').map((bot) => ({ ...shownOf(bot), ...commonOf('bots', bot) })),
    providers: all('providers').map((one) => ({ ...shownOf(one), ...commonOf('providers', one) })),
    channels: all('channels').map((channel) => {
      const { bot, kind, endpoint, trustedOrigins } = channel
      return {
        ...(bot !== undefined && { bot }),
        kind,
        endpoint,
        trustedOrigins: [...trustedOrigins],
        ...commonOf('channels', channel)
      }
    })
  }
}

/** What was wrong with the request, or here, is no answer of the channel. */
const NOT_OF_THE_CHANNEL: ReadonlySet<ProblemCode> = new Set([
  'invalid_request',
  'overloaded',
  'audit_unavailable',
  'internal_error'
])

const outcomeOf = async (work: Promise<void>): Promise<Static<typeof TokenAnswer>> => {
  try {
    await work
    return { accepted: true }
  } catch (error) {
    const isOurs = !(error instanceof ProblemError) || NOT_OF_THE_CHANNEL.has(error.code)
    if (isOurs) throw error
    return { accepted: false, code: error.code }
  }
}

export const addIntegrations = (
  app: TypedFastify,
  base: string,
  { resources, trySources, channels }: IntegrationsOptions
): void => {
  app.get(
    `${base}/integrations`,
    { config, schema: { response: { 200: IntegrationsAnswer } } },
    async () => integrationsOf({ resources })
  )
  for (const kind of resourceKinds) {
    app.get(
      `${base}/integrations/${kind}/:name`,
      { config, schema: { params: ObjectParams, response: { 200: TriedAnswer } } },
      async (request) => {
        const { name } = request.params
        const begin = (reads: number) => app.largeWork(request, reads)
        const tried = await trySources(callerOf(request), kind, name, begin)
        return { sources: [...tried] }
      }
    )
  }
  app.post(
    `${base}/channels/:name/try`,
    {
      config,
      schema: {
        params: ObjectParams,
        body: Type.Object({}, strict),
        response: { 200: TokenAnswer }
      }
    },
    (request) => outcomeOf(channels.tryToken(callerOf(request), request.params.name))
  )
}
