/**
 * Signing in by the code that the quickstart prints. Rule: only a page of this origin, in a browser of this machine that
 * calls it by its own name, may show a code; who is refused is told nothing but how to get another.
 */
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { isLoopback } from '../core/network.ts'
import { ProblemError } from '../core/problem.ts'
import type { Reason } from '../core/reason.ts'
import type { TypedFastify } from '../http/route-auth.ts'
import { handOver, leave, type SessionRoutesOptions, shown } from '../http/routes/sessions.ts'
import { SessionAnswer } from '../http/routes/sessions-schemas.ts'
import { foreignReason } from '../http/same-origin.ts'
import { strict } from '../http/schemas.ts'
import type { SignInCodes } from '../keys/sign-in-codes.ts'
import { isOwnHost } from './own-host.ts'

const CodeBody = Type.Object({ code: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }) }, strict)

const AGAIN =
  'a link of the quickstart signs in once, within a minute: the terminal where it runs says how to get another'

/** Of a socket that takes IPv6 and IPv4 (RFC 4291, 2.5.5.2). */
const MAPPED = /^::ffff:/i

const isOfThisMachine = ({ headers, raw, address }: FastifyRequest): boolean =>
  [raw.socket.remoteAddress ?? '', address].every((one) => isLoopback(one.replace(MAPPED, ''))) &&
  isOwnHost(headers.host ?? '', 'localhost')

/** Why it is refused. */
export const takeCode = (
  request: FastifyRequest,
  codes: SignInCodes | undefined,
  code: string
): ProblemError | undefined => {
  if (!isOfThisMachine(request)) return new ProblemError('access_denied', {}, 'not_here')
  const reason: Reason | undefined = codes === undefined ? 'no_codes' : codes.take(code)
  return reason && new ProblemError('access_denied', { detail: AGAIN }, reason)
}

const refusalOf = (
  request: FastifyRequest,
  codes: SignInCodes,
  { origins }: SessionRoutesOptions,
  code: string
): ProblemError | undefined => {
  // Before the code is looked at: what another page sends uses none up.
  const foreign = foreignReason(request, origins)
  return foreign === undefined
    ? takeCode(request, codes, code)
    : new ProblemError('csrf_failed', {}, foreign)
}

export const addSignInByCode = (
  app: TypedFastify,
  url: string,
  options: SessionRoutesOptions,
  codes: SignInCodes
): void => {
  app.post(
    url,
    {
      config: { auth: { kind: 'open' }, cors: false, opensSession: true },
      schema: { hide: true, body: CodeBody, response: { 200: SessionAnswer } }
    },
    async (request, reply) => {
      const refused = refusalOf(request, codes, options, request.body.code)
      if (refused !== undefined) return Promise.reject(await app.failLogin(request, reply, refused))
      const left = await leave(options, request)
      if (left !== undefined) return Promise.reject(left)
      const opened = await options.sessions.openByCode(codes.user, request.address)
      await handOver(options, request, reply, opened)
      return shown(opened.session)
    }
  )
}
