/**
 * What the page asks, below /console/api: the routes of sessions as they are, and those of administrators once more, by
 * the session's cookie instead of an API key. Rule: nothing here discloses a stored value, and what a key may not do, its
 * session may not do.
 */
import { Type } from 'typebox'
import type { RecordPlaces } from '../audit/record-place.ts'
import type { Action } from '../audit/recorder.ts'
import type { RouteAuth, TypedFastify } from '../http/route-auth.ts'
import { addAdminRoutes } from '../http/routes/admin.ts'
import { addAdminResourceRoutes } from '../http/routes/admin-resources.ts'
import { addAuditRoutes } from '../http/routes/audit.ts'
import { addExplainRoutes } from '../http/routes/explain.ts'
import type { Services } from '../http/routes/index.ts'
import { addKeyRoutes } from '../http/routes/keys.ts'
import { addOpenSessionRoutes } from '../http/routes/open-sessions.ts'
import { addWriteRoute } from '../http/routes/secrets.ts'
import { addSessionRoutes } from '../http/routes/sessions.ts'
import { addSignInRoutes } from '../http/routes/sign-in.ts'
import type { SessionGate } from '../http/session-gate.ts'
import type { SignInCodes } from '../keys/sign-in-codes.ts'
import type { StateLog } from '../state/log.ts'
import { addAuditPlace } from './audit-place.ts'
import { addDoctor, type Doctor } from './doctor.ts'
import type { EventStreams } from './event-streams.ts'
import { addIntegrations, type IntegrationsOptions } from './integrations.ts'
import { addNames } from './names.ts'
import { addOverview, type OverviewOptions } from './overview.ts'
import { addPolicyReports } from './policy-reports.ts'
import { addReach, type ReachOptions } from './reach.ts'
import {
  addReauthentication,
  type ReauthenticationOptions,
  requireReauthentication
} from './reauthentication.ts'
import { addRetention, type Retention } from './retention.ts'
import { addSignInByCode } from './sign-in-code.ts'

export interface ConsoleApiOptions {
  readonly gate: SessionGate
  readonly overview: OverviewOptions
  readonly reach: ReachOptions
  readonly integrations: IntegrationsOptions
  readonly places: RecordPlaces
  /** Undefined: there is no command that could be run. */
  readonly doctor: Doctor | undefined
  readonly retention: Retention
  readonly streams: EventStreams
  readonly services: Pick<
    Services,
    'sessions' | 'signIn' | 'keys' | 'explain' | 'admin' | 'audit' | 'resources' | 'secrets'
  >
  readonly environment: string
  /** Where a sign-in at a provider begins, if there is one: a path of this origin. */
  readonly providers?: readonly { readonly name: string; readonly path: string }[]
  /** Undefined: nobody signs in by a code. */
  readonly codes?: SignInCodes | undefined
  readonly recorder: ReauthenticationOptions['recorder']
  readonly log: StateLog
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

const BASE = '/api'
const METHODS = ['get', 'post', 'put', 'delete'] as const

interface Mounting {
  /** Below BASE; as it is called elsewhere, if absent. */
  readonly at?: string
  /** Needs a sign-in once more; refused, it is on record as this. */
  readonly reauthenticated?: Action
}

export const SIGN_IN_PATH = `/console${BASE}/v1/sessions/oidc/start`

/** All that is mounted: a route that is added elsewhere is not here until somebody writes it down. */
const MOUNTED: ReadonlyMap<string, Mounting> = new Map([
  ['POST /v1/sessions', {}],
  ['GET /v1/sessions', {}],
  ['DELETE /v1/sessions', {}],
  ['GET /v1/sessions/oidc/start', {}],
  ['GET /v1/sessions/oidc/again', {}],
  ['GET /v1/sessions/oidc/callback', {}],
  ['POST /v1/admin/keys', { reauthenticated: 'key.issue' }],
  ['GET /v1/admin/keys', {}],
  ['DELETE /v1/admin/keys/:id', {}],
  ['GET /v1/admin/encryption-keys', {}],
  ['GET /v1/admin/stores', {}],
  ['GET /v1/admin/cache', {}],
  ['DELETE /v1/admin/cache', {}],
  ['GET /v1/admin/sessions', {}],
  ['DELETE /v1/admin/sessions', { reauthenticated: 'session.end' }],
  ['DELETE /v1/admin/sessions/:id', { reauthenticated: 'session.end' }],
  ['GET /v1/admin/explain', {}],
  ['POST /v1/admin/explain', {}],
  ['GET /v1/admin/audit', {}],
  ['GET /v1/admin/config', {}],
  ['GET /v1/admin/bots', {}],
  ['GET /v1/admin/providers', {}],
  ['GET /v1/admin/channels', {}],
  ['PUT /v1/secrets', { at: '/secrets', reauthenticated: 'secret.write' }]
])

interface Declared {
  readonly config?: { readonly auth?: RouteAuth }
}

/** The same app, on which routes are added below BASE, and with what they ask of their caller replaced. */
const mountedOn = (
  app: TypedFastify,
  replace: (auth: RouteAuth) => RouteAuth,
  reauthentication: ReauthenticationOptions
): TypedFastify => {
  const mounted = Object.create(app)
  for (const method of METHODS) {
    mounted[method] = (url: string, declared: Declared, handler: never) => {
      const mounting = MOUNTED.get(`${method.toUpperCase()} ${url}`)
      if (mounting === undefined) return mounted
      const { at = url, reauthenticated: action } = mounting
      const auth = declared.config?.auth
      const config = { ...declared.config, cors: false, ...(auth && { auth: replace(auth) }) }
      const onRequest = action && requireReauthentication(reauthentication, action)
      const options = { ...declared, config, ...(onRequest && { onRequest }) }
      app[method](`${BASE}${at}`, options as never, handler)
      return mounted
    }
  }
  return mounted
}

/** What the route asks of a key, asked of a session. Throws at boot. */
const bySession = (auth: RouteAuth): RouteAuth => {
  if (auth.kind === 'admin') return { ...auth, kind: 'session' }
  if (auth.kind !== 'key' || auth.scope === undefined || auth.discloses === true) {
    throw new Error('a route that discloses, or asks for no scope, is none of the console')
  }
  return { kind: 'session', scope: auth.scope }
}

const SignInWays = Type.Object({
  environment: Type.String(),
  providers: Type.Array(Type.Object({ name: Type.String(), path: Type.String() })),
  fetchMetadata: Type.Boolean({ description: 'whether the browser says which page asks' })
})

export const addConsoleApi = (app: TypedFastify, options: ConsoleApiOptions): void => {
  const { services, environment, recorder, now, streams, gate, codes } = options
  const { overview, reach, doctor, integrations, places } = options
  const { sessions, explain } = services
  const reauthentication = { sessions, examine: explain.examine, codes, recorder, now }
  const mount = (replace: (auth: RouteAuth) => RouteAuth): TypedFastify =>
    mountedOn(app, replace, reauthentication)
  addSessionRoutes(
    mount((auth) => auth),
    sessions
  )
  addSignInRoutes(
    mount((auth) => auth),
    services.signIn
  )
  addOverview(app, `${BASE}/overview`, overview, streams, gate)
  addReach(app, BASE, reach)
  addNames(app, `${BASE}/names`, services.secrets)
  addIntegrations(app, BASE, integrations)
  addAuditPlace(app, `${BASE}/audit/place`, places)
  if (doctor !== undefined) addDoctor(app, `${BASE}/doctor`, doctor)
  addReauthentication(app, `${BASE}/step-up`, reauthentication)
  addRetention(app, `${BASE}/retention`, options.retention)
  addPolicyReports(app, { origins: gate.origins, log: options.log, now })
  const admin = mount(bySession)
  addKeyRoutes(admin, services.keys)
  addOpenSessionRoutes(admin, sessions)
  addExplainRoutes(admin, explain)
  addAdminRoutes(admin, services.admin)
  addAuditRoutes(admin, services.audit)
  addAdminResourceRoutes(admin, services.resources)
  addWriteRoute(admin, services.secrets)
  if (codes !== undefined) addSignInByCode(app, `${BASE}/sign-in/code`, sessions, codes)
  app.get(
    `${BASE}/sign-in`,
    {
      config: { auth: { kind: 'open' }, cors: false },
      schema: { hide: true, response: { 200: SignInWays } }
    },
    async ({ headers }) => ({
      environment,
      providers: [...(options.providers ?? [])],
      fetchMetadata: headers['sec-fetch-site'] !== undefined
    })
  )
}
