/** Azure Key Vault and Microsoft Entra for the contract suite: how their APIs talk. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { Sensitive } from '../../../src/core/secret.ts'
import { azureKeyVault } from '../../../src/kinds/azure/index.ts'
import type { ProviderDeps, SecretProvider } from '../../../src/kinds/provider.ts'
import type { Subject } from '../../contract/provider-suite.ts'
import type { Dialect, Wire, WireAnswer, WireRequest } from '../../support/wire.ts'

export const TENANT = '11111111-2222-3333-4444-555555555555'
export const CLIENT = '99999999-8888-7777-6666-555555555555'
export const VERSION = '0123456789abcdef0123456789abcdef'

export const answer = (status: number, body: unknown): WireAnswer => ({
  status,
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body: JSON.stringify(body)
})

/** https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret#keyvaulterror */
export const refusal = (status: number, code: string, message: string, inner?: string) =>
  answer(status, {
    error: { code, message, ...(inner !== undefined && { innererror: { code: inner } }) }
  })

const LIST = /^\/secrets\?/
/** Without the slash before a version that is not there, where a secret is set. */
const SECRET = /^\/secrets\/([^/?]+)(?:\/([^/?]*))?\?/

/** A secret bundle; without a version in the request, of the newest. `attributes` and the like come on top. */
export const bundle = (value: string, { url, headers }: WireRequest, more: object = {}) => {
  const [, name, version] = SECRET.exec(url) ?? []
  return answer(200, {
    value,
    id: `https://${headers.host}/secrets/${name}/${version || VERSION}`,
    attributes: { enabled: true, created: 1_700_000_000, updated: 1_700_000_000 },
    ...more
  })
}

const origin = ({ headers }: WireRequest): string => `https://${headers.host}`

const discovery = (request: WireRequest): WireAnswer =>
  answer(200, {
    issuer: `${origin(request)}/${TENANT}/v2.0`,
    authorization_endpoint: `${origin(request)}/${TENANT}/oauth2/v2.0/authorize`,
    token_endpoint: `${origin(request)}/${TENANT}/oauth2/v2.0/token`,
    jwks_uri: `${origin(request)}/${TENANT}/discovery/v2.0/keys`
  })

/** What a vault says to a request without a token: the first of each client, on purpose. */
const challenge = (request: WireRequest): WireAnswer => ({
  ...refusal(401, 'Unauthorized', 'AKV10000: Request is missing a Bearer or PoP token.'),
  headers: {
    'www-authenticate': `Bearer authorization="${origin(request)}/${TENANT}", resource="https://vault.azure.net"`
  }
})

export const azureDialect: Dialect = {
  tls: true,
  found: (text, request) =>
    LIST.test(request.url)
      ? answer(200, { value: [], nextLink: null })
      : bundle(text, request, { contentType: 'text/plain' }),
  notFound: (message) => refusal(404, 'SecretNotFound', message),
  // A firewall keeps out a check as well, where a role that may not list is in good health.
  denied: (message, { url }) =>
    refusal(403, 'Forbidden', message, LIST.test(url) ? 'ForbiddenByFirewall' : 'ForbiddenByRbac'),
  throttled: (message) => refusal(429, 'Throttled', message),
  expired: (message) => ({
    ...refusal(401, 'Unauthorized', message),
    headers: {
      'www-authenticate': `Bearer authorization="https://127.0.0.1/${TENANT}", resource="https://vault.azure.net"`
    }
  }),
  login: ({ method, url }, n) =>
    method === 'POST' && url.startsWith(`/${TENANT}/oauth2/v2.0/token`)
      ? answer(200, { token_type: 'Bearer', expires_in: 3_600, access_token: `token-${n}` })
      : undefined,
  refusedLogin: (message) =>
    answer(401, { error: 'invalid_client', error_description: `AADSTS7000215: ${message}` }),
  credentialOf: ({ headers }) => headers.authorization,
  aside: (request) => {
    if (request.url.includes('/.well-known/openid-configuration')) return discovery(request)
    const isAnonymous = request.headers.authorization === undefined
    return isAnonymous && request.url.startsWith('/secrets') ? challenge(request) : undefined
  }
}

export const clientSecret = (wire: Pick<Wire, 'url'>) =>
  ({
    method: 'client-secret',
    tenantId: TENANT,
    clientId: CLIENT,
    clientSecret: { env: 'AZURE_SECRET' },
    authorityHost: wire.url
  }) as const

export const connectAzure = (
  t: Test,
  wire: Pick<Wire, 'url' | 'ca'>,
  deps: ProviderDeps,
  more: Partial<Parameters<typeof azureKeyVault.connect>[0]> = {}
): Promise<SecretProvider> => {
  const settings = {
    vaultUrl: wire.url,
    allowAnyHost: true,
    auth: clientSecret(wire),
    ...more
  }
  if (wire.ca === undefined) return azureKeyVault.connect(settings, deps)
  const caCertFile = join(t.testdir(), 'ca.pem')
  writeFileSync(caCertFile, wire.ca)
  return azureKeyVault.connect({ ...settings, caCertFile }, deps)
}

/** What the suite gives has no credentials in it. */
const withSecret = (deps: ProviderDeps): ProviderDeps =>
  Object.create(deps, { credential: { value: async () => new Sensitive('an-app-secret') } })

export const azureSubject: Subject = {
  path: (name) => name.replaceAll('/', '-'),
  specialNames: ['UPPER-and-lower-0', '0-begins-with-a-digit'],
  stores: 'texts',
  storesEmptyText: true,
  largestTextBytes: 25_600,
  absentVersion: 'ffffffffffffffffffffffffffffffff',
  powers: {
    write: { toMissing: 'is created', tooLargeBytes: 25_601 },
    list: { prefix: () => '', forgedCursor: 'a b' }
  },
  wire: {
    dialect: azureDialect,
    connect: (t, wire, deps) => connectAzure(t, wire, withSecret(deps))
  }
}
