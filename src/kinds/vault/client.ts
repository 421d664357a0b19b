/**
 * node-vault, which knows Vault's paths and bodies, over our own transport, which knows deadlines. Rule: node-vault
 * never opens a connection and holds no token, and nothing of it is left to come from the environment (ADR 0003).
 */
import type NodeVault from 'node-vault'
import { Sensitive } from '../../core/secret.ts'
import type { CallOptions } from '../provider.ts'
import type { Transport } from '../shared/http-transport.ts'
import { faultOfAnswer } from './answer.ts'

export type VaultClient = NodeVault.client

/**
 * What node-vault hands to the library that sends for it; `json` is the body, to be sent as it is if it is `Sensitive`.
 */
interface Outgoing {
  readonly method: string
  readonly uri: string
  readonly headers: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly signal: AbortSignal
}

/** Encodes each segment; the apostrophe as well, which node-vault's templates would turn into an HTML entity. */
export const encodePath = (path: string): string =>
  path
    .split('/')
    .map((segment) => encodeURIComponent(segment).replaceAll("'", '%27'))
    .join('/')

/** The last argument of a call, new for each: node-vault writes into the headers that it is given. */
export const requestOptions = ({ signal }: CallOptions, token?: Sensitive<string>) => ({
  signal,
  headers: {
    // A listener of Vault Agent or Proxy may refuse requests without this header, which keeps browser pages from
    // sending any.
    'X-Vault-Request': 'true',
    ...(token !== undefined && { 'X-Vault-Token': token.reveal() })
  }
})

const bodyOf = (json: unknown): string =>
  json instanceof Sensitive ? json.reveal() : JSON.stringify(json)

/** Its calls resolve with the text of a 200 or 204 and throw ProviderFault for everything else. */
export const createClient = async (
  origin: string,
  namespace: string | undefined,
  transport: Transport,
  now: () => number
): Promise<VaultClient> => {
  const send = async ({ method, uri, headers, json, signal }: Outgoing) => {
    const answer = await transport.send({
      method,
      url: uri,
      headers: json === undefined ? headers : { 'content-type': 'application/json', ...headers },
      ...(json !== undefined && { body: bodyOf(json) }),
      signal
    })
    const { status, text } = answer
    if (status !== 200 && status !== 204) throw faultOfAnswer(answer, now())
    return { statusCode: status, body: text, request: { path: uri } }
  }
  const { default: nodeVault } = await import('node-vault')
  const client = nodeVault({
    endpoint: origin,
    apiVersion: 'v1',
    'request-promise': { defaults: () => send },
    // Without this, DEBUG=node-vault would print credentials.
    debug: () => undefined
  })
  // node-vault would fill empty options from VAULT_TOKEN, VAULT_NAMESPACE and VAULT_PREFIX.
  return Object.assign(client, { token: '', namespace: namespace ?? '', pathPrefix: '' })
}
