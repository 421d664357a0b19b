/**
 * The logins of a service: the token of a workload against a short-lived API key. Rule: why a token is not taken stands on
 * record, and nothing of what the service said of it is repeated.
 */
import { isObject } from '../core/json.ts'
import { type Answer, type Client, RefusedByService } from './client.ts'

export interface LoginAnswer {
  readonly key: string
  readonly expiresInSeconds: number
  readonly scopes: readonly string[]
}

/** As the AWS door takes them. */
export interface AwsLoginAnswer {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** The key. */
  readonly sessionToken: string
  /** RFC 3339. */
  readonly expiration: string
}

const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange'
const JWT = 'urn:ietf:params:oauth:token-type:jwt'

const NO_LOGINS = 'PURSER_URL is no service that has logins.'

const refusalOf = ({ status, retryAfter }: Answer): RefusedByService => {
  const sentence =
    status === 429
      ? 'Too many logins have failed: try again later.'
      : status >= 500
        ? 'The service cannot log anybody in just now.'
        : status === 404 || status === 405
          ? NO_LOGINS
          : 'The service does not take the token. Its record says why (action key.login).'
  return new RefusedByService(sentence, status, retryAfter)
}

const noLogins = (status: number): RefusedByService => new RefusedByService(NO_LOGINS, status)

const membersOf = (answer: Answer): Readonly<Record<string, unknown>> => {
  if (answer.status !== 200) throw refusalOf(answer)
  return isObject(answer.json) ? answer.json : {}
}

const loginIn = (answer: Answer): LoginAnswer => {
  const { access_token: key, expires_in: life, scope } = membersOf(answer)
  if (typeof key !== 'string' || typeof life !== 'number' || typeof scope !== 'string') {
    throw noLogins(answer.status)
  }
  return { key, expiresInSeconds: life, scopes: scope.split(' ') }
}

const awsLoginIn = (answer: Answer): AwsLoginAnswer => {
  const members = membersOf(answer)
  const text = (name: string): string => {
    const value = members[name]
    if (typeof value !== 'string') throw noLogins(answer.status)
    return value
  }
  return {
    accessKeyId: text('AccessKeyId'),
    secretAccessKey: text('SecretAccessKey'),
    sessionToken: text('Token'),
    expiration: text('Expiration')
  }
}

type Asking = Pick<Client, 'request'>

/** Rejects with a CommandFailure, whose `status` tells what may pass. */
export const exchangeToken = async (
  { request }: Asking,
  trust: string | undefined,
  token: string,
  signal?: AbortSignal
): Promise<LoginAnswer> => {
  const form = {
    grant_type: GRANT,
    subject_token: token,
    subject_token_type: JWT,
    ...(trust !== undefined && { trust })
  }
  const asked = { form, ...(signal !== undefined && { signal }) }
  return loginIn(await request('POST', '/v1/auth/token', asked))
}

/** The same for a client of the AWS door. */
export const exchangeTokenForAws = async (
  { request }: Asking,
  trust: string | undefined,
  token: string
): Promise<AwsLoginAnswer> => {
  const query = trust === undefined ? '' : `?trust=${encodeURIComponent(trust)}`
  const headers = { authorization: token }
  return awsLoginIn(await request('GET', `/v1/auth/aws-credentials${query}`, { headers }))
}
