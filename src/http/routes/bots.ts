/** The credentials of configured bots and providers, and those of an object that the caller brings along. */
import { refuseFaults } from '../../core/resource-fault.ts'
import { parseCredentials } from '../../integrations/bot-form.ts'
import type { Bots } from '../../integrations/bots.ts'
import { credentialsAnswer, providerAnswerOf } from '../bot-answers.ts'
import { callerOf } from '../caller.ts'
import type { TypedFastify } from '../route-auth.ts'
import {
  BotAnswer,
  BotsAnswer,
  CredentialsQuery,
  ObjectParams,
  ProviderAnswer,
  ResolvedAnswer,
  TheirObject
} from './bots-schemas.ts'

const auth = { kind: 'key', scope: 'bots', discloses: true } as const
const resolveAuth = { kind: 'key', scope: 'secrets', discloses: true } as const

const isPartial = ({ partial }: { readonly partial?: string }): boolean => partial === 'true'

export interface BotRoutesOptions {
  readonly bots: Bots
}

const addList = (app: TypedFastify, { bots }: BotRoutesOptions): void => {
  app.get(
    '/v1/bots',
    {
      config: { auth: { kind: 'key', scope: 'bots' } },
      schema: {
        operationId: 'listBots',
        summary: 'The bots that the caller may use',
        response: { 200: BotsAnswer }
      }
    },
    async (request) => {
      const allowed = await bots.listBots(callerOf(request))
      return {
        bots: allowed.map(({ name, displayName, provider }) => ({
          name,
          ...(displayName !== undefined && { displayName }),
          ...(provider !== undefined && { provider })
        }))
      }
    }
  )
}

const addBotCredentials = (app: TypedFastify, { bots }: BotRoutesOptions): void => {
  app.get(
    '/v1/bots/:name/credentials',
    {
      config: { auth },
      schema: {
        operationId: 'readBotCredentials',
        summary: "A bot's credentials and those of its provider, resolved together",
        params: ObjectParams,
        querystring: CredentialsQuery,
        response: { 200: BotAnswer }
      }
    },
    async (request) => {
      const partial = isPartial(request.query)
      const options = { partial, requestId: request.id }
      const { name } = request.params
      const { resolved, provider } = await bots.readBotCredentials(callerOf(request), name, {
        partial,
        begin: (reads) => app.largeWork(request, reads)
      })
      return {
        name,
        ...(provider && { provider: providerAnswerOf(provider, options) }),
        ...credentialsAnswer(resolved, options)
      }
    }
  )
}

const addProviderCredentials = (app: TypedFastify, { bots }: BotRoutesOptions): void => {
  app.get(
    '/v1/providers/:name/credentials',
    {
      config: { auth },
      schema: {
        operationId: 'readProviderCredentials',
        summary: "A bot provider's credentials, for whoever may use a bot of it",
        params: ObjectParams,
        querystring: CredentialsQuery,
        response: { 200: ProviderAnswer }
      }
    },
    async (request) => {
      const partial = isPartial(request.query)
      const { name } = request.params
      const begin = (reads: number): Promise<void> => app.largeWork(request, reads)
      const read = await bots.readProviderCredentials(callerOf(request), name, { partial, begin })
      return providerAnswerOf(read, { partial, requestId: request.id })
    }
  )
}

const addResolve = (app: TypedFastify, { bots }: BotRoutesOptions): void => {
  app.post(
    '/v1/resolve',
    {
      config: { auth: resolveAuth },
      schema: {
        operationId: 'resolveConfiguration',
        summary:
          "A caller's own bot or provider object with its references resolved; needs mode rw",
        querystring: CredentialsQuery,
        body: TheirObject,
        response: { 200: ResolvedAnswer }
      }
    },
    async (request, reply) => {
      const { credentials, faults, rest } = parseCredentials(request.body)
      refuseFaults(faults)
      const references = [...credentials.values()].filter((credential) => 'ref' in credential)
      // One is paid for by the request itself.
      const limited = app.chargeKey(request, reply, Math.max(0, references.length - 1))
      if (limited !== undefined) return Promise.reject(limited)
      const partial = isPartial(request.query)
      const caller = callerOf(request)
      const begin = (reads: number): Promise<void> => app.largeWork(request, reads)
      const resolved = await bots.resolveConfiguration(caller, credentials, { partial, begin })
      return { ...rest, ...credentialsAnswer(resolved, { partial, requestId: request.id }) }
    }
  )
}

export const addBotRoutes = (app: TypedFastify, options: BotRoutesOptions): void => {
  for (const add of [addList, addBotCredentials, addProviderCredentials, addResolve]) {
    add(app, options)
  }
}
