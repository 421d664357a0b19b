/**
 * What each route asks of its caller, declared beside the route. Rule: a route that declares nothing stops the boot.
 */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
  RouteOptions
} from 'fastify'
import type { Principal } from '../core/principal.ts'
import { ProblemError } from '../core/problem.ts'
import { hasScope, isScope, modeAllows, modeFor } from '../core/scope.ts'

export type RouteAuth =
  /** Anybody. `unlimited` exempts it from the limit per address: probes only. */
  | { readonly kind: 'open'; readonly unlimited?: true }
  /** X-Internal-Secret. */
  | { readonly kind: 'internal' }
  /** X-Internal-Secret, or METRICS_TOKEN as Bearer, which opens nothing else. */
  | { readonly kind: 'scraper' }
  /**
   * X-Internal-Secret of a proxy, which may have AUTHORIZE_SECRET, that opens nothing else; and the API key of the caller in
   * front of the proxy: the route itself decides what the key has to allow.
   */
  | { readonly kind: 'proxied' }
  /**
   * An API key whose mode fits the method and whose scopes cover `<SCOPE_ROOT>:<scope>` (no scope: any key). A route
   * that discloses a stored secret needs mode r whatever its method; `anyMode` marks one that takes a key of any mode: it
   * neither discloses nor changes a secret, or only its body says which, and the broker decides.
   */
  | {
      readonly kind: 'key'
      readonly scope?: string
      readonly discloses?: true
      readonly anyMode?: true
    }
  /**
   * An API key whose mode fits the method and whose scopes cover ADMIN_SCOPE; `changes` marks a route that changes
   * configuration or stores, and needs ALLOW_ADMIN_WRITE; `reads` one that shows something by another method than GET,
   * and is on record like a GET; `anyMode` one that takes a key of any mode.
   */
  | AdminAuth
  /**
   * The cookie of an administrator's session, and no API key; the members mean what they mean with a key. `slides` is
   * false for what a page asks by itself (a stream, what is asked again and again), and so renews no session.
   * `readsItself` marks a route that shows nothing but the session, and is not on record; `scope` asks for
   * `<SCOPE_ROOT>:<scope>` besides ADMIN_SCOPE.
   */
  | (Omit<AdminAuth, 'kind'> & {
      readonly kind: 'session'
      readonly slides?: false
      readonly readsItself?: true
      readonly scope?: string
    })

interface AdminAuth {
  readonly kind: 'admin'
  readonly changes?: true
  readonly reads?: true
  readonly anyMode?: true
}

const isOfAdministrators = (auth: RouteAuth): auth is RouteAuth & { kind: 'admin' | 'session' } =>
  auth.kind === 'admin' || auth.kind === 'session'

/** What routes are added to: requests and answers are typed by their schemas. */
export type TypedFastify = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

declare module 'fastify' {
  /** What a route says of itself in openapi.yaml. */
  interface FastifySchema {
    operationId?: string
    summary?: string
    /** Leaves the route out of openapi.yaml. */
    hide?: boolean
  }
  interface FastifyContextConfig {
    auth?: RouteAuth
    /** Who is refused here has tried to open a session. */
    opensSession?: true
    /** Of the route's door, unless it is our own interface. Set by the door. */
    dialect?: string
    /** What the route does one of, which goes on record behind its template (`core/route-text.ts`). */
    operations?: readonly string[]
    /** False: browser pages may not call the route, whatever CORS_ALLOW_ORIGINS says. */
    cors?: boolean
    /** The body may have numbers that a double cannot hold; the route hands them on as they are written. */
    keepsDigits?: true
  }
}

/** Throws at boot. */
export const assertDeclaresAuth = (route: RouteOptions): void => {
  const auth = route.config?.auth
  if (auth === undefined)
    throw new Error(`${String(route.method)} ${route.url} declares no authentication`)
  const isKnown = auth.kind === 'key' || auth.kind === 'session'
  if (isKnown && auth.scope !== undefined && !isScope(auth.scope)) {
    throw new Error(`${String(route.method)} ${route.url} names a scope that is none`)
  }
}

export interface RouteAuthSettings {
  readonly scopeRoot: string
  readonly adminScope: string
  /** Whether routes that change configuration or stores are served. */
  readonly allowsAdminWrite: boolean
}

const ADMIN_WRITE_OFF = 'this service is not changed by HTTP: ALLOW_ADMIN_WRITE is off'

/** All of them are needed. */
const scopesOf = (
  auth: RouteAuth,
  { scopeRoot, adminScope }: RouteAuthSettings
): readonly string[] => {
  const scope = auth.kind === 'key' || auth.kind === 'session' ? auth.scope : undefined
  return [
    ...(isOfAdministrators(auth) ? [adminScope] : []),
    ...(scope === undefined ? [] : [`${scopeRoot}:${scope}`])
  ]
}

/** A scope of SCOPE_ROOT is told, as openapi.yaml tells it; what ADMIN_SCOPE is called, only to those who have it. */
const scopeRefusal = (auth: RouteAuth, needed: readonly string[]): ProblemError =>
  auth.kind === 'key' && needed.length > 0
    ? new ProblemError('insufficient_scope', { detail: `this needs scope ${needed.join()}` })
    : new ProblemError('insufficient_scope')

const modeRefusal = (needed: readonly (string | undefined)[]): ProblemError =>
  needed.includes(undefined)
    ? new ProblemError('insufficient_mode')
    : new ProblemError('insufficient_mode', {
        detail: `this needs mode ${[...new Set(needed)].join('')}`
      })

/**
 * Whether a key may use the route with a method: gives back why not. A principal never changes, so the last method that it
 * may use is remembered for as long as the principal is.
 */
export const createAuthorize = (
  auth: RouteAuth,
  rules: RouteAuthSettings
): ((principal: Principal, method: string) => ProblemError | undefined) => {
  const needed = scopesOf(auth, rules)
  const discloses = auth.kind === 'key' && auth.discloses === true
  const isAdmin = isOfAdministrators(auth)
  const isOff = isAdmin && auth.changes === true && !rules.allowsAdminWrite
  const isOfAnyMode = (isAdmin || auth.kind === 'key') && auth.anyMode === true
  const allowed = new WeakMap<Principal, string>()
  return (principal, method) => {
    if (allowed.get(principal) === method) return undefined
    const { scopes, mode } = principal
    if (!needed.every((scope) => hasScope(scopes, scope))) {
      return scopeRefusal(auth, needed)
    }
    if ((discloses && !mode.includes('r')) || !(isOfAnyMode || modeAllows(mode, method))) {
      return modeRefusal([...(discloses ? ['r'] : []), ...(isOfAnyMode ? [] : [modeFor(method)])])
    }
    // Only administrators get here: all others were refused above.
    if (isOff) {
      return new ProblemError('access_denied', { detail: ADMIN_WRITE_OFF }, 'admin_write_off')
    }
    allowed.set(principal, method)
    return undefined
  }
}
