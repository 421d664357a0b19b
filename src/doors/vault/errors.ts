/**
 * What Vault says of an error. Rule: what is forbidden, what is not there for this caller and what nobody has configured
 * are the same bytes, and no text names what was asked for.
 */
import type { FastifyRequest } from 'fastify'
import { PROBLEMS, type ProblemCode, type ProblemError } from '../../core/problem.ts'
import { type ErrorShape, hintsOf, problemBodyOf } from '../../http/problems.ts'

/** Clients compare it with this, letter by letter: with a charset hvac would not read the body. */
export const JSON_TYPE = 'application/json'

export const PREFLIGHT = '/v1/sys/internal/ui/mounts/*'
export const LOGIN = '/v1/auth/*'

const FORBIDDEN = '1 error occurred:\n\t* permission denied\n\n'

interface Said {
  readonly status: number
  readonly text: string
}

const SAID: Readonly<Partial<Record<ProblemCode, Said>>> = {
  authentication_required: { status: 403, text: 'permission denied' },
  invalid_api_key: { status: 403, text: 'permission denied' },
  version_too_old: { status: 403, text: 'permission denied' },
  insufficient_scope: { status: 403, text: FORBIDDEN },
  insufficient_mode: { status: 403, text: FORBIDDEN },
  access_denied: { status: 403, text: FORBIDDEN },
  route_not_found: { status: 404, text: 'no handler for route. route entry not found.' },
  method_not_allowed: { status: 405, text: 'unsupported operation' },
  conflict: {
    status: 400,
    text: 'check-and-set parameter did not match the current version'
  },
  rate_limited: { status: 429, text: 'request path: rate limit quota exceeded' },
  store_throttled: { status: 429, text: 'request path: rate limit quota exceeded' }
}

/** What a client reads before it reads a secret; told of a mount that there is not, it takes it for KV 1. */
const NO_MOUNT =
  "preflight capability check returned 403, please ensure client's policies grant access to path"

/** Not an error to its clients: an empty list, from which they know that there is no such secret. */
const NOTHING: ReadonlySet<ProblemCode> = new Set(['secret_not_found', 'field_not_found'])

/** What is said where the route has words of its own for what is forbidden. */
const forbiddenAt = (url: string | undefined): string | undefined => {
  if (url === PREFLIGHT) return NO_MOUNT
  return url === LOGIN ? 'permission denied' : undefined
}

/**
 * As Vault's two kinds of logins say it of a token that they do not take; which of them it is, is told by the mount's usual
 * name.
 */
const isJwtLogin = (request: FastifyRequest | undefined): boolean =>
  request?.routeOptions?.url === LOGIN && /^\/v1\/auth\/(?:jwt|oidc)\//.test(request.url)

const saidOf = ({ code, details }: ProblemError, request: FastifyRequest | undefined): Said => {
  const { status } = PROBLEMS[code]
  if (code === 'access_denied') {
    if (isJwtLogin(request)) return { status: 400, text: 'error validating token' }
    const text = forbiddenAt(request?.routeOptions?.url)
    if (text !== undefined) return { status, text }
  }
  return SAID[code] ?? { status, text: details.detail ?? PROBLEMS[code].title }
}

export const vaultErrors: ErrorShape = (problem, requestId, request) => {
  const { code } = problem
  const { retryAfter } = problemBodyOf(problem, requestId)
  const hints = hintsOf(code, retryAfter)
  const { status, text } = saidOf(problem, request)
  return {
    status,
    headers: {
      ...(hints['retry-after'] !== undefined && { 'retry-after': hints['retry-after'] }),
      'content-type': JSON_TYPE
    },
    body: NOTHING.has(code) ? '{"errors":[]}' : JSON.stringify({ errors: [text] })
  }
}
