/**
 * Login with a token that a cluster, a CI or a cloud signed: by OAuth's token exchange (RFC 8693), and as AWS SDKs ask for
 * the credentials of a container. Rule: both only write down what `logIn` says, and for every token that is not taken they
 * say the same.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { fitting } from '../../core/fits.ts'
import { PROBLEMS, ProblemError } from '../../core/problem.ts'
import type { Keyring } from '../../crypto/keyring.ts'
import { signingCredentialsOf } from '../../crypto/sigv4-secret.ts'
import type { Login } from '../../keys/login.ts'
import { createKeyFinder } from '../credentials.ts'
import { logIn } from '../log-in.ts'
import {
  type ErrorShape,
  hintsOf,
  problemBodyOf,
  problemShape,
  sendError,
  toProblemError
} from '../problems.ts'
import type { TypedFastify } from '../route-auth.ts'
import {
  ACCESS_TOKEN,
  AwsAnswer,
  AwsQuery,
  ExchangeAnswer,
  ExchangeBody,
  FormOfExchange,
  type OAUTH_ERRORS
} from './login-schemas.ts'

export interface LoginRoutesOptions {
  readonly login: Login
  readonly keyring: () => Keyring
}

/** Of a form, and of the header of a token. */
const BODY_MAX = 16 * 1024

type OauthError = (typeof OAUTH_ERRORS)[number]

/** By the member that is at fault, where OAuth has a word of its own. */
const BY_MEMBER: Readonly<Record<string, OauthError>> = {
  '/body/grant_type': 'unsupported_grant_type',
  '/body/audience': 'invalid_target',
  '/body/resource': 'invalid_target'
}

const oauthErrorOf = ({ code, details }: ProblemError): OauthError => {
  const { status } = PROBLEMS[code]
  if (code === 'insufficient_scope') return 'invalid_scope'
  if (code === 'rate_limited' || PROBLEMS[code].retryable) return 'temporarily_unavailable'
  if (status >= 500) return 'server_error'
  const [fault] = details.errors ?? []
  const isGiven = fault !== undefined && fault.rule !== 'required'
  return (isGiven && BY_MEMBER[fault.pointer]) || 'invalid_request'
}

/** RFC 6749, 5.2: 400, but where another status says what a client can do about it. */
const OF_HTTP: ReadonlySet<number> = new Set([405, 408, 413, 415, 429])
const statusOf = (status: number): number => (OF_HTTP.has(status) || status >= 500 ? status : 400)

const JSON_TYPE = 'application/json; charset=utf-8'

const oauthShape: ErrorShape = (problem, requestId) => {
  const { status, title, detail, retryAfter } = problemBodyOf(problem, requestId)
  const isToken = problem.code === 'access_denied'
  return {
    status: statusOf(status),
    headers: { ...hintsOf(problem.code, retryAfter), 'content-type': JSON_TYPE },
    body: JSON.stringify({
      error: oauthErrorOf(problem),
      error_description: isToken ? 'The subject token is not accepted' : (detail ?? title)
    })
  }
}

const containerShape: ErrorShape = (problem, requestId) => {
  const { status, title, detail, code, retryAfter } = problemBodyOf(problem, requestId)
  return {
    status,
    headers: { ...hintsOf(code, retryAfter), 'content-type': JSON_TYPE },
    body: JSON.stringify({ code, message: detail ?? title })
  }
}

const answeredIn =
  (shape: ErrorShape) => (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    const problem = toProblemError(error)
    if (problem.code === 'internal_error') {
      request.server.log.error({ reqId: request.id, err: error }, 'unexpected error')
    }
    // A path that only looks like the route's is none of ours.
    const isOther = problem.code === 'route_not_found'
    return sendError(request, reply, isOther ? problemShape : shape, problem)
  }

const refused = (member: string): ProblemError =>
  new ProblemError('invalid_request', {
    detail: `${member} is not taken`,
    errors: [{ pointer: `/body/${member}`, rule: 'not' }]
  })

const NOT_TAKEN = ['resource', 'actor_token', 'actor_token_type'] as const

const isExchange = fitting(ExchangeBody)

const scopesIn = ({ scope }: ExchangeBody): readonly string[] | undefined =>
  scope?.split(' ').filter((one) => one !== '')

const addExchange = (app: TypedFastify, { login }: LoginRoutesOptions): void => {
  app.post(
    '/v1/auth/token',
    {
      config: { auth: { kind: 'open' }, cors: false, takesForm: true },
      bodyLimit: BODY_MAX,
      errorHandler: answeredIn(oauthShape),
      schema: {
        operationId: 'exchangeToken',
        summary:
          'Exchange the token of a workload for a short-lived API key, as a member of `trusts:` allows (RFC 8693); errors as RFC 6749 has them',
        body: FormOfExchange,
        response: { 200: ExchangeAnswer }
      }
    },
    async (request, reply) => {
      // Without a body there is no type of one either, and nothing was looked at.
      const body: unknown = request.body
      if (!isExchange(body)) throw new ProblemError('invalid_request')
      const surplus = NOT_TAKEN.find((member) => body[member] !== undefined)
      if (surplus !== undefined) throw refused(surplus)
      const { apiKey, expiresInSeconds, principal } = await logIn(
        login,
        request,
        reply,
        body.subject_token,
        { trust: body.trust, scopes: scopesIn(body), audience: body.audience }
      )
      return {
        access_token: apiKey,
        issued_token_type: ACCESS_TOKEN as typeof ACCESS_TOKEN,
        token_type: 'Bearer' as const,
        expires_in: expiresInSeconds,
        scope: principal.scopes.join(' ')
      }
    }
  )
}

/** SDKs send it without a scheme. */
const tokenIn = createKeyFinder(new Map([['authorization', (value) => value || undefined]]))

const addAwsCredentials = (app: TypedFastify, { login, keyring }: LoginRoutesOptions): void => {
  app.get(
    '/v1/auth/aws-credentials',
    {
      config: { auth: { kind: 'open' }, cors: false },
      errorHandler: answeredIn(containerShape),
      schema: {
        operationId: 'exchangeTokenForAws',
        summary:
          'The same as AWS SDKs ask for it (AWS_CONTAINER_CREDENTIALS_FULL_URI): the token of a workload as the whole header Authorization, credentials for the AWS door in the answer',
        querystring: AwsQuery,
        response: { 200: AwsAnswer }
      }
    },
    async (request, reply) => {
      const token = tokenIn(request.raw.rawHeaders)
      if (token instanceof ProblemError) throw token
      if (token === undefined) throw new ProblemError('authentication_required')
      const { apiKey, principal } = await logIn(login, request, reply, token, {
        trust: request.query.trust
      })
      const encryptionKey = keyring().find(principal.kid)
      // Only where the ring was reloaded in between.
      if (encryptionKey === undefined) throw new ProblemError('overloaded')
      const signing = signingCredentialsOf(encryptionKey, principal.keyId)
      const end = new Date((principal.expiresAt ?? 0) * 1000).toISOString()
      return {
        AccessKeyId: signing.accessKeyId,
        SecretAccessKey: signing.secretAccessKey,
        Token: apiKey,
        Expiration: end.replace('.000Z', 'Z')
      }
    }
  )
}

export const addLoginRoutes = (app: TypedFastify, options: LoginRoutesOptions): void => {
  addExchange(app, options)
  addAwsCredentials(app, options)
}
