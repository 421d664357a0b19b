/** openapi.yaml, made from the routes themselves: what validates requests is what documents them. */
import swagger from '@fastify/swagger'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify from 'fastify'
import { stringify } from 'yaml'
import { PROBLEMS } from '../src/core/problem.ts'
import { assertDeclaresAuth, type RouteAuth } from '../src/http/route-auth.ts'
import { addRoutes, type Services } from '../src/http/routes/index.ts'
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
  session: [{ session: [] }],
  internal: [{ internalSecret: [] }],
  scraper: [{ internalSecret: [] }, { metricsToken: [] }],
  proxied: BY_KEY.map((scheme) => ({ internalSecret: [], ...scheme })),
  open: []
} as const

const rightsOf = (auth: RouteAuth): string => {
  if (auth.kind === 'open') return 'Open.'
  if (auth.kind === 'internal') return 'Needs X-Internal-Secret.'
  if (auth.kind === 'scraper') return 'Needs X-Internal-Secret, or METRICS_TOKEN as Bearer.'
  if (auth.kind === 'proxied')
    return "Needs X-Internal-Secret (INTERNAL_SECRET or AUTHORIZE_SECRET), and the end caller's API key."
  if (auth.kind === 'admin' || auth.kind === 'session') {
    const allowed = auth.changes ? '; served where ALLOW_ADMIN_WRITE is true' : ''
    const mode = auth.anyMode ? 'any mode' : 'a mode that fits the method'
    const what = auth.kind === 'session' ? 'the session of an administrator' : 'an API key'
    return `Needs ${what}${auth.kind === 'session' ? ' with' : ` of scope <ADMIN_SCOPE> and`} ${mode}${allowed}.`
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

/** Whatever a route is given: the routes are only described here, and their handlers are never called. */
const undescribed: unknown = new Proxy(() => undefined, { get: () => undescribed })

export const undescribedServices = new Proxy({} as Services, {
  get: (_, name) => (name === 'docs' ? { openapi: '' } : undescribed)
})

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
          internalSecret: { type: 'apiKey', in: 'header', name: 'X-Internal-Secret' },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: '__Host-purser-session',
            description: 'from `POST /v1/sessions`; with X-CSRF-Token where the method is no GET'
          },
          metricsToken: { type: 'http', scheme: 'bearer', description: 'METRICS_TOKEN' }
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
  addRoutes(app, undescribedServices, ['public', 'internal'])
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
