/**
 * What the page asks, below /console/api: the routes of sessions as they are, and those of administrators once more, by
 * the session's cookie instead of an API key. Rule: nothing here discloses a stored value, and what a key may not do, its
 * session may not do.
 */
import { Type } from 'typebox'
import type { RouteAuth, TypedFastify } from '../http/route-auth.ts'
import { addAdminRoutes } from '../http/routes/admin.ts'
import { addAdminResourceRoutes } from '../http/routes/admin-resources.ts'
import { addAuditRoutes } from '../http/routes/audit.ts'
import { addExplainRoutes } from '../http/routes/explain.ts'
import type { Services } from '../http/routes/index.ts'
import { addKeyRoutes } from '../http/routes/keys.ts'
import { addSessionRoutes } from '../http/routes/sessions.ts'

export interface ConsoleApiOptions {
  readonly services: Pick<
    Services,
    'sessions' | 'keys' | 'explain' | 'admin' | 'audit' | 'resources'
  >
  readonly environment: string
}

const BASE = '/api'
const METHODS = ['get', 'post', 'put', 'delete'] as const

/** All that is mounted: a route that is added elsewhere is not here until somebody writes it down. */
const MOUNTED: ReadonlySet<string> = new Set([
  'POST /v1/sessions',
  'GET /v1/sessions',
  'DELETE /v1/sessions',
  'GET /v1/admin/keys',
  'DELETE /v1/admin/keys/:id',
  'GET /v1/admin/encryption-keys',
  'GET /v1/admin/stores',
  'GET /v1/admin/cache',
  'DELETE /v1/admin/cache',
  'GET /v1/admin/explain',
  'POST /v1/admin/explain',
  'GET /v1/admin/audit',
  'GET /v1/admin/config',
  'GET /v1/admin/bots',
  'GET /v1/admin/providers',
  'GET /v1/admin/channels'
])

interface Declared {
  readonly config?: { readonly auth?: RouteAuth }
}

/** The same app, on which routes are added below BASE, and with what they ask of their caller replaced. */
const mountedOn = (app: TypedFastify, replace: (auth: RouteAuth) => RouteAuth): TypedFastify => {
  const mounted = Object.create(app)
  for (const method of METHODS) {
    mounted[method] = (url: string, declared: Declared, handler: never) => {
      if (!MOUNTED.has(`${method.toUpperCase()} ${url}`)) return mounted
      const auth = declared.config?.auth
      const config = { ...declared.config, cors: false, ...(auth && { auth: replace(auth) }) }
      app[method](`${BASE}${url}`, { ...declared, config } as never, handler)
      return mounted
    }
  }
  return mounted
}

const bySession = (auth: RouteAuth): RouteAuth =>
  auth.kind === 'admin' ? { ...auth, kind: 'session' } : auth

const SignInWays = Type.Object({
  environment: Type.String(),
  providers: Type.Array(Type.Object({ name: Type.String(), path: Type.String() }))
})

export const addConsoleApi = (
  app: TypedFastify,
  { services, environment }: ConsoleApiOptions
): void => {
  addSessionRoutes(
    mountedOn(app, (auth) => auth),
    services.sessions
  )
  const admin = mountedOn(app, bySession)
  addKeyRoutes(admin, services.keys)
  addExplainRoutes(admin, services.explain)
  addAdminRoutes(admin, services.admin)
  addAuditRoutes(admin, services.audit)
  addAdminResourceRoutes(admin, services.resources)
  app.get(
    `${BASE}/sign-in`,
    {
      config: { auth: { kind: 'open' }, cors: false },
      schema: { hide: true, response: { 200: SignInWays } }
    },
    async () => ({ environment, providers: [] })
  )
}
