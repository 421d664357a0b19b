/** openapi.yaml, made from the routes themselves: what validates requests is what documents them. */
import swagger from '@fastify/swagger'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify from 'fastify'
import { stringify } from 'yaml'
import { PROBLEMS } from '../src/core/problem.ts'
import { type App, assertDeclaresAuth, type RouteAuth } from '../src/http/route-auth.ts'
import { addAdminRoutes } from '../src/http/routes/admin.ts'
import { addAdminObjectRoutes } from '../src/http/routes/admin-objects.ts'
import { addAuthorizeRoute } from '../src/http/routes/authorize.ts'
import { addBotRoutes } from '../src/http/routes/bots.ts'
import { addChannelRoutes } from '../src/http/routes/channels.ts'
import { addDocsRoute } from '../src/http/routes/docs.ts'
import { addEventStream, addEventWebhook } from '../src/http/routes/events.ts'
import { addExplainRoutes } from '../src/http/routes/explain.ts'
import { addHealthRoutes } from '../src/http/routes/health.ts'
import { addInternalRoutes } from '../src/http/routes/internal.ts'
import { addKeyRoutes } from '../src/http/routes/keys.ts'
import { addSecretRoutes } from '../src/http/routes/secrets.ts'
import { addStateRoutes } from '../src/http/routes/state.ts'
import { addWhoamiRoute } from '../src/http/routes/whoami.ts'
import { Problem } from '../src/http/schemas.ts'
import {
  asParameter,
  completeOperations,
  HEADERS,
  isChoice,
  type Parameter
} from './openapi-operations.ts'

const DESCRIPTION = `A secrets broker: hands each program exactly the credentials that its own API key and the policy allow.
Every error is an RFC 9457 problem with one of the codes of the schema Problem. Every answer has Cache-Control: no-store; one to a
key that is limited has RateLimit and RateLimit-Policy, and one that says when to come again Retry-After.`

const BY_KEY = [{ bearer: [] }, { apiKeyHeader: [] }]
const SECURITY = {
  key: BY_KEY,
  admin: BY_KEY,
  internal: [{ internalSecret: [] }],
  proxied: BY_KEY.map((scheme) => ({ internalSecret: [], ...scheme })),
  open: []
} as const

const rightsOf = (auth: RouteAuth): string => {
  if (auth.kind === 'open') return 'Open.'
  if (auth.kind === 'internal') return 'Needs X-Internal-Secret.'
  if (auth.kind === 'proxied') return "Needs X-Internal-Secret, and the end caller's API key."
  if (auth.kind === 'admin') {
    const allowed = auth.changes ? '; served where ALLOW_ADMIN_WRITE is true' : ''
    return `Needs an API key of scope <ADMIN_SCOPE> and a mode that fits the method${allowed}.`
  }
  const scope = auth.scope === undefined ? 'any scope' : `scope <SCOPE_ROOT>:${auth.scope}`
  return `Needs an API key of ${scope} and a mode that fits the method${auth.discloses ? ', r in any case' : ''}.`
}

const PROBLEM = JSON.stringify(Problem)
/** What a result of a batch has within it is the one schema that every error has. */
const withProblemOnce = (node: unknown): unknown => {
  if (typeof node !== 'object' || node === null) return node
  if (Array.isArray(node)) return node.map(withProblemOnce)
  if (JSON.stringify(node) === PROBLEM) return { $ref: '#/components/schemas/Problem' }
  return Object.fromEntries(Object.entries(node).map(([name, of]) => [name, withProblemOnce(of)]))
}

// The routes are only described here, never called.
const uncalled = (): never => {
  throw new Error('this app only describes its routes')
}

export const addAllRoutes = (app: App): void => {
  const broker = {
    readSecret: uncalled,
    readSecrets: uncalled,
    listSecrets: uncalled,
    writeSecret: uncalled,
    invalidate: uncalled
  }
  addSecretRoutes(app, { broker, now: Date.now })
  const bots = {
    listBots: uncalled,
    readBotCredentials: uncalled,
    readProviderCredentials: uncalled,
    resolveConfiguration: uncalled
  }
  const objects = {
    get: uncalled,
    all: uncalled,
    isOfFile: uncalled,
    write: uncalled,
    remove: uncalled,
    refresh: uncalled
  }
  addBotRoutes(app, { bots })
  addAdminObjectRoutes(app, { objects })
  addChannelRoutes(app, { channels: { issueToken: uncalled, refreshToken: uncalled } })
  addStateRoutes(app, { sealed: { seal: uncalled, open: uncalled } })
  addKeyRoutes(app, {
    keyring: uncalled,
    usage: { list: uncalled },
    issuing: { issue: uncalled, revokeWithIssued: uncalled },
    countSealed: uncalled,
    isRevoked: uncalled,
    revoke: uncalled,
    now: Date.now,
    recordIssue: uncalled,
    recordRevocation: uncalled
  })
  addExplainRoutes(app, { explain: uncalled, examine: uncalled })
  addAdminRoutes(app, {
    broker,
    stores: uncalled,
    cache: uncalled,
    config: uncalled,
    reload: uncalled
  })
  addEventStream(app, { watch: { check: uncalled, open: uncalled }, isAccepted: uncalled })
  addEventWebhook(app, { receiver: { receive: uncalled, welcome: uncalled } })
  addWhoamiRoute(app, { policy: uncalled, delegations: uncalled, wasIssued: uncalled })
  addInternalRoutes(app, { broker, authenticate: uncalled, recordIntrospection: uncalled })
  addAuthorizeRoute(app, { recordAuthorization: uncalled })
  addHealthRoutes(app, { readiness: uncalled, hindrance: uncalled })
  addDocsRoute(app, { openapi: '' })
}

export const renderOpenapi = async (version: string): Promise<string> => {
  const choices = new Map<string, Parameter>()
  const app = Fastify({ exposeHeadRoutes: false }).withTypeProvider<TypeBoxTypeProvider>()
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Purser', version, description: DESCRIPTION },
      servers: [{ url: 'http://127.0.0.1:8700' }],
      components: {
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            description: 'an API key; `Authorization: ApiKey <key>` is read as well'
          },
          apiKeyHeader: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
          internalSecret: { type: 'apiKey', in: 'header', name: 'X-Internal-Secret' }
        }
      }
    },
    transform: ({ schema, url, route }) => {
      const auth = route.config?.auth ?? { kind: 'open' as const }
      const { querystring, operationId = '' } = schema
      if (isChoice(querystring)) {
        choices.set(operationId, asParameter(operationId, querystring))
      }
      return {
        url,
        schema: {
          ...schema,
          ...(isChoice(querystring) && { querystring: { type: 'object', properties: {} } }),
          description: rightsOf(auth),
          security: SECURITY[auth.kind]
        }
      }
    }
  })
  app.addHook('onRoute', assertDeclaresAuth)
  addAllRoutes(app)
  await app.ready()
  const document = JSON.parse(JSON.stringify(app.swagger()))
  await app.close()
  document.paths = withProblemOnce(document.paths)
  completeOperations(document.paths, choices)
  const statuses = Object.entries(PROBLEMS).map(
    ([code, { status, title }]) => `${code} (${status}): ${title}`
  )
  document.components.headers = HEADERS
  document.components.schemas = {
    Problem: { ...JSON.parse(JSON.stringify(Problem)), description: statuses.join('\n') }
  }
  return stringify(JSON.parse(JSON.stringify(document)), {
    lineWidth: 100,
    aliasDuplicateObjects: false
  })
}
