/**
 * A login by whichever door. Rule: what is refused is counted, by the caller's address and by its trust, and on record with
 * the true reason, before anybody is answered.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type LoggedIn, type Login, type LoginAsked, RefusedLogin } from '../keys/login.ts'
import { arrivalOf } from './caller.ts'

/**
 * Rejects with the ProblemError that the door answers: `access_denied` for every token that is not taken, `rate_limited`
 * where that happened too often, `insufficient_scope` for more than the trust grants, `store_unavailable` while the issuer
 * cannot be asked.
 */
export const logIn = async (
  login: Login,
  request: FastifyRequest,
  reply: FastifyReply,
  token: string,
  asked?: LoginAsked
): Promise<LoggedIn> => {
  const outcome = await login.exchange(arrivalOf(request), token, asked)
  if (!(outcome instanceof RefusedLogin)) return outcome
  throw await request.server.failLogin(request, reply, outcome)
}
