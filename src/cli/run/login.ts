/** A key for a workload's own token (RFC 8693). Rule: the token goes into the body alone, and a refusal tells its code. */
import { asJson, isObject } from '../../core/json.ts'
import { Sensitive } from '../../core/secret.ts'
import type { Login } from './session.ts'
import { lackOf, refusal, Unread, unreachable } from './unread.ts'
import type { Wire } from './wire.ts'

const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange'
const JWT = 'urn:ietf:params:oauth:token-type:jwt'

export const loginByTrust = async (
  wire: Wire,
  trust: string,
  token: Sensitive<string>
): Promise<Login> => {
  const form = { grant_type: GRANT, subject_token_type: JWT, subject_token: token.reveal(), trust }
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const body = new URLSearchParams(form).toString()
  const answer = await wire
    .ask({ method: 'POST', path: '/v1/auth/token', headers, body })
    .catch((error: unknown) => {
      throw unreachable(error)
    })
  if (answer.status !== 200) throw refusal(`trust ${trust}`, answer)
  const given = asJson(answer.body)
  const { access_token: key, expires_in: seconds } = isObject(given) ? given : {}
  if (typeof key !== 'string' || typeof seconds !== 'number') {
    throw new Unread([lackOf(`trust ${trust}`, undefined, answer.status)])
  }
  return { key: new Sensitive(key), lifeMs: seconds * 1000 }
}
