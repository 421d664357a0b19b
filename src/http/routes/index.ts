/** Every route, once: the listeners are made from this list, and so is openapi.yaml, in its order. */
import type { Login } from '../../keys/login.ts'
import type { TypedFastify } from '../route-auth.ts'
import { type AdminRoutesOptions, addAdminRoutes } from './admin.ts'
import { type AdminResourceRoutesOptions, addAdminResourceRoutes } from './admin-resources.ts'
import { type AuditRoutesOptions, addAuditRoutes } from './audit.ts'
import { type AuthorizeRouteOptions, addAuthorizeRoute } from './authorize.ts'
import { addBotRoutes, type BotRoutesOptions } from './bots.ts'
import { addChannelRoutes, type ChannelRoutesOptions } from './channels.ts'
import { addDocsRoute, type DocsRouteOptions } from './docs.ts'
import {
  addEventStream,
  addEventWebhook,
  type EventStreamOptions,
  type EventWebhookOptions
} from './events.ts'
import { addExplainRoutes, type ExplainRoutesOptions } from './explain.ts'
import { addHealthRoutes, type HealthRoutesOptions } from './health.ts'
import { addInternalRoutes, type InternalRoutesOptions } from './internal.ts'
import { addKeyRoutes, type KeyRoutesOptions } from './keys.ts'
import { addLoginRoutes } from './login.ts'
import { addMetricsRoute, type MetricsRouteOptions } from './metrics.ts'
import { addOpenSessionRoutes } from './open-sessions.ts'
import { addSecretRoutes, type SecretRoutesOptions } from './secrets.ts'
import { addSessionRoutes, type SessionRoutesOptions } from './sessions.ts'
import { addSignInRoutes, type SignInRoutesOptions } from './sign-in.ts'
import { addStateRoutes, type StateRoutesOptions } from './state.ts'
import { addWhoamiRoute, type WhoamiOptions } from './whoami.ts'

/** What the routes serve. */
export interface Services {
  readonly secrets: SecretRoutesOptions
  readonly bots: BotRoutesOptions
  readonly resources: AdminResourceRoutesOptions
  readonly channels: ChannelRoutesOptions
  readonly state: StateRoutesOptions
  readonly keys: KeyRoutesOptions
  readonly sessions: SessionRoutesOptions
  readonly signIn: SignInRoutesOptions
  /** With tokens of workloads; doors call it by `http/log-in.ts`. */
  readonly login: Login
  readonly explain: ExplainRoutesOptions
  readonly admin: AdminRoutesOptions
  readonly audit: AuditRoutesOptions
  readonly eventStream: EventStreamOptions
  readonly eventWebhook: EventWebhookOptions
  readonly whoami: WhoamiOptions
  readonly internal: InternalRoutesOptions
  readonly authorize: AuthorizeRouteOptions
  readonly health: HealthRoutesOptions
  /** Undefined: nothing is measured. */
  readonly metrics: MetricsRouteOptions | undefined
  /** Undefined: the description is not served. */
  readonly docs: DocsRouteOptions | undefined
}

/** Who is served: everybody, or sibling services alone where they have a listener of their own. */
export type Audience = 'public' | 'internal'

const ROUTES: readonly (readonly [
  readonly Audience[],
  (app: TypedFastify, services: Services) => void
])[] = [
  [['public'], (app, { secrets }) => addSecretRoutes(app, secrets)],
  [['public'], (app, { bots }) => addBotRoutes(app, bots)],
  [['public'], (app, { resources }) => addAdminResourceRoutes(app, resources)],
  [['public'], (app, { channels }) => addChannelRoutes(app, channels)],
  [['public'], (app, { state }) => addStateRoutes(app, state)],
  [['public'], (app, { keys }) => addKeyRoutes(app, keys)],
  [['public'], (app, { sessions }) => addSessionRoutes(app, sessions)],
  [['public'], (app, { sessions }) => addOpenSessionRoutes(app, sessions)],
  [['public'], (app, { signIn }) => addSignInRoutes(app, signIn)],
  [['public'], (app, { login, keys: { keyring } }) => addLoginRoutes(app, { login, keyring })],
  [['public'], (app, { explain }) => addExplainRoutes(app, explain)],
  [['public'], (app, { admin }) => addAdminRoutes(app, admin)],
  [['public'], (app, { audit }) => addAuditRoutes(app, audit)],
  [['public'], (app, { eventStream }) => addEventStream(app, eventStream)],
  [['internal'], (app, { eventWebhook }) => addEventWebhook(app, eventWebhook)],
  [['public'], (app, { whoami }) => addWhoamiRoute(app, whoami)],
  [['internal'], (app, { internal }) => addInternalRoutes(app, internal)],
  [['internal'], (app, { authorize }) => addAuthorizeRoute(app, authorize)],
  [['internal'], (app, { metrics }) => metrics && addMetricsRoute(app, metrics)],
  [['public', 'internal'], (app, { health }) => addHealthRoutes(app, health)],
  [['public'], (app, { docs }) => docs && addDocsRoute(app, docs)]
]

export const addRoutes = (
  app: TypedFastify,
  services: Services,
  audiences: readonly Audience[]
): void => {
  for (const [served, add] of ROUTES) {
    if (served.some((one) => audiences.includes(one))) add(app, services)
  }
}
