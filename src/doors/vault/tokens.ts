/**
 * The caller's own token, which is an API key: what it is, to renew it, to be rid of it; and logins, which give one. Rule:
 * what is told of a key is what its claims say, and never its text but to whoever has just shown or been given it.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { isObject } from '../../core/json.ts'
import type { Principal } from '../../core/principal.ts'
import { ProblemError } from '../../core/problem.ts'
import { callerOf } from '../../http/caller.ts'
import type { KeyFinder } from '../../http/credentials.ts'
import { logIn } from '../../http/log-in.ts'
import type { TypedFastify } from '../../http/route-auth.ts'
import type { DoorMeans } from '../means.ts'
import { sendEnvelope } from './answers.ts'
import { LOGIN } from './errors.ts'

const own = { config: { auth: { kind: 'key', anyMode: true } } } as const
const loose = Type.Object({}, { additionalProperties: true })

const principalOf = ({ principal }: FastifyRequest): Principal => {
  if (principal === null) throw new ProblemError('authentication_required')
  return principal
}

const isoTime = (seconds: number): string => new Date(seconds * 1000).toISOString()

/** Seconds; 0 for a key that does not end, as Vault has it of a root token. */
const secondsLeft = ({ expiresAt }: Principal, now: number): number =>
  expiresAt === undefined ? 0 : Math.max(0, expiresAt - Math.floor(now / 1000))

const described = (principal: Principal, now: number): object => {
  const { keyId, client, issuedAt, expiresAt } = principal
  return {
    accessor: keyId,
    creation_time: issuedAt,
    creation_ttl: expiresAt === undefined ? 0 : expiresAt - issuedAt,
    display_name: client,
    entity_id: '',
    expire_time: expiresAt === undefined ? null : isoTime(expiresAt),
    explicit_max_ttl: 0,
    id: keyId,
    issue_time: isoTime(issuedAt),
    meta: { client },
    num_uses: 0,
    orphan: true,
    path: 'auth/token/create',
    policies: [client],
    renewable: false,
    ttl: secondsLeft(principal, now),
    type: 'service'
  }
}

const authOf = (token: string, principal: Principal, lease: number, metadata: object): string =>
  JSON.stringify({
    client_token: token,
    accessor: principal.keyId,
    policies: [principal.client],
    token_policies: [principal.client],
    metadata,
    lease_duration: lease,
    renewable: false,
    entity_id: '',
    token_type: 'service',
    orphan: true,
    mfa_requirement: null,
    num_uses: 0
  })

const addOwn = (
  app: TypedFastify,
  { care, now }: Pick<DoorMeans, 'care' | 'now'>,
  keyIn: KeyFinder
): void => {
  app.get(
    '/v1/auth/token/lookup-self',
    { ...own, schema: { operationId: 'vaultLookupSelf', querystring: loose } },
    async (request, reply) =>
      sendEnvelope(reply, { data: JSON.stringify(described(principalOf(request), now())) })
  )

  const renew = async (request: FastifyRequest, reply: FastifyReply) => {
    const principal = principalOf(request)
    const token = keyIn(request.raw.rawHeaders)
    if (typeof token !== 'string') throw new ProblemError('authentication_required')
    const lease = secondsLeft(principal, now())
    const auth = authOf(token, principal, lease, { client: principal.client })
    return sendEnvelope(reply, { auth, warnings: ['the key is not renewable'] })
  }

  const revoke = async (request: FastifyRequest, reply: FastifyReply) => {
    // With whatever it issued, as a token's children end with it.
    await care.revoke(callerOf(request), principalOf(request).keyId, true)
    return reply.code(204).send()
  }

  for (const method of ['PUT', 'POST'] as const) {
    app.route({
      method,
      url: '/v1/auth/token/renew-self',
      ...own,
      schema: { operationId: 'vaultRenewSelf', querystring: loose },
      handler: renew
    })
    app.route({
      method,
      url: '/v1/auth/token/revoke-self',
      ...own,
      schema: { operationId: 'vaultRevokeSelf', querystring: loose },
      handler: revoke
    })
  }
}

/** The token of a login, and the trust that it is for. Throws `invalid_request`. */
const askedIn = (body: unknown): { readonly jwt: string; readonly role: string | undefined } => {
  const { jwt, role } = isObject(body) ? body : {}
  if (typeof jwt !== 'string' || jwt === '') {
    throw new ProblemError('invalid_request', { detail: 'missing jwt' })
  }
  if (role !== undefined && typeof role !== 'string') {
    throw new ProblemError('invalid_request', { detail: 'role is no text' })
  }
  // The file that an agent reads the token from ends in a line feed.
  return { jwt: jwt.trim(), role: role === '' ? undefined : role }
}

const addLogin = (app: TypedFastify, { login }: Pick<DoorMeans, 'login'>): void => {
  const handler = async (
    request: FastifyRequest<{ Params: { '*': string } }>,
    reply: FastifyReply
  ) => {
    // A mount may be called anything, `k8s/prod` too: which trust it is stands in the role.
    if (!request.params['*'].endsWith('/login')) throw new ProblemError('route_not_found')
    const { jwt, role } = askedIn(request.body)
    const { apiKey, principal, trust, expiresInSeconds } = await logIn(
      login,
      request,
      reply,
      jwt,
      role === undefined ? {} : { trust: role }
    )
    return sendEnvelope(reply, {
      auth: authOf(apiKey, principal, expiresInSeconds, { role: trust })
    })
  }
  for (const method of ['PUT', 'POST'] as const) {
    app.route({
      method,
      url: LOGIN,
      config: { auth: { kind: 'open' } },
      schema: {
        operationId: 'vaultLogin',
        params: Type.Object({ '*': Type.String() }),
        querystring: loose
      },
      handler
    })
  }
}

export const addTokenRoutes = (
  app: TypedFastify,
  means: Pick<DoorMeans, 'care' | 'login' | 'now'>,
  keyIn: KeyFinder
): void => {
  addOwn(app, means, keyIn)
  addLogin(app, means)
}
