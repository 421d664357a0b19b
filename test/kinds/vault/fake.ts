/** Vault for the contract suite: how its API talks, and how to put secrets into a real OpenBao. */
import type { Test } from 'tap'
import type { Static } from 'typebox'
import type { ProviderDeps, SecretProvider } from '../../../src/kinds/provider.ts'
import { vault } from '../../../src/kinds/vault/index.ts'
import type { RealStore, Subject } from '../../contract/provider-suite.ts'
import { isInstalled, startPeer } from '../../support/peers.ts'
import { createDeps } from '../../support/provider-deps.ts'
import type { Dialect, Wire, WireAnswer } from '../../support/wire.ts'

const answer = (status: number, body: unknown): WireAnswer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body)
})

const refusal = (status: number, ...errors: string[]): WireAnswer => answer(status, { errors })

/** Vault stores objects; the suite also has texts in mind that nobody will come to read. */
const fieldsOf = (text: string): unknown => (text.startsWith('{') ? JSON.parse(text) : { text })

/** https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2#read-secret-version */
export const vaultDialect: Dialect = {
  found: (text, { method, url }) => {
    if (url.endsWith('/lookup-self')) return answer(200, { data: { ttl: 3600, renewable: true } })
    if (url.endsWith('?list=true')) return answer(200, { data: { keys: ['secret'] } })
    const metadata = { version: 3, deletion_time: '', destroyed: false, custom_metadata: null }
    if (method === 'POST') return answer(200, { lease_id: '', data: metadata, auth: null })
    return answer(200, { lease_id: '', data: { metadata, data: fieldsOf(text) }, auth: null })
  },
  // Vault says nothing more of a missing secret.
  notFound: () => refusal(404),
  // The token is good and only the policy says no: the token may still ask what it may do.
  denied: (message, { url }) =>
    url === '/v1/sys/capabilities-self'
      ? answer(200, { data: { capabilities: ['deny'] } })
      : refusal(403, `1 error occurred:\n\t* permission denied ${message}\n\n`),
  throttled: (message) => refusal(429, `request path "${message}": rate limit quota exceeded`),
  expired: (message) => refusal(403, 'permission denied', `invalid token ${message}`),
  login: ({ url }, n) =>
    url === '/v1/auth/approle/login'
      ? answer(200, {
          auth: { client_token: `hvs.token-${n}`, lease_duration: 3600, renewable: true }
        })
      : undefined,
  refusedLogin: (message) => refusal(400, `invalid role or secret ID ${message}`),
  credentialOf: ({ headers }) => headers['x-vault-token']?.toString()
}

const connectToWire = (_t: Test, wire: Wire, deps: ProviderDeps): Promise<SecretProvider> =>
  vault.connect(
    {
      address: wire.url,
      mounts: [{ path: 'secret', version: 2 }],
      auth: { method: 'approle', roleId: 'a-role' },
      ...(wire.ca !== undefined && { caCertBase64: Buffer.from(wire.ca).toString('base64') })
    },
    deps
  )

/** An operator's call to a real server, in its own words. Resolves with the answer's JSON; an empty answer is `{}`. */
export type Admin = (
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: unknown,
  namespace?: string
) => Promise<AdminAnswer>

/** The members of an answer that tests look at; each call has its own. */
interface AdminAnswer {
  readonly data: Readonly<Record<string, string>>
  readonly auth: { readonly client_token: string }
}

export const createAdmin =
  (url: string): Admin =>
  async (method, path, body, namespace) => {
    const response = await fetch(`${url}/v1/${path}`, {
      method,
      headers: {
        'x-vault-token': 'root',
        ...(namespace !== undefined && { 'x-vault-namespace': namespace })
      },
      ...(body !== undefined && { body: JSON.stringify(body) })
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return JSON.parse(text === '' ? '{}' : text)
  }

/** Ends every token that a login of the role has given out. */
export const revokeAll = async (admin: Admin, role: string): Promise<void> => {
  const { data: listed } = await admin('GET', 'auth/token/accessors?list=true')
  for (const accessor of listed['keys'] ?? []) {
    const { data } = await admin('POST', 'auth/token/lookup-accessor', { accessor })
    const meta = data['meta'] as unknown as Record<string, string> | null
    if (meta?.['role_name'] === role) {
      await admin('POST', 'auth/token/revoke-accessor', { accessor })
    }
  }
}

/** Vault there, under that token. */
export const connectVault = async (
  t: Test,
  address: string,
  token: string,
  mounts: Static<typeof vault.settings>['mounts']
): Promise<SecretProvider> => {
  const auth = { method: 'token', token: { env: 'TOKEN' } } as const
  const provider = await vault.connect({ address, mounts, auth }, createDeps({ TOKEN: token }))
  t.teardown(() => provider.close())
  return provider
}

const encoded = (path: string): string => path.split('/').map(encodeURIComponent).join('/')

const openBao = async (t: Test): Promise<RealStore> => {
  const { url } = await startPeer(t, 'openbao')
  const admin = createAdmin(url)
  const provider = await vault.connect(
    {
      address: url,
      mounts: [{ path: 'secret', version: 2 }],
      auth: { method: 'token', token: { env: 'TOKEN' } }
    },
    createDeps({ TOKEN: 'root' })
  )
  const underMount = (path: string) => encoded(path.slice('secret/'.length))
  return {
    provider,
    seed: async (path, text) => {
      const data = JSON.parse(text)
      const written = await admin('POST', `secret/data/${underMount(path)}`, { data })
      return { version: String(written.data['version']) }
    },
    remove: async (path) => {
      await admin('DELETE', `secret/data/${underMount(path)}`)
    },
    tag: async (path, tags) => {
      await admin('POST', `secret/metadata/${underMount(path)}`, { custom_metadata: tags })
    }
  }
}

export const vaultSubject: Subject = {
  path: (name) => `secret/${name}`,
  specialNames: [
    'special/a_b+c=d.e@f-g',
    "special/o'b r&x;y#z?q%41",
    'special/żółw/🔑',
    'special/data/data'
  ],
  stores: 'objects',
  storesEmptyText: true,
  largestTextBytes: 500_000,
  absentVersion: '999',
  powers: {
    write: { toMissing: 'is created', comparesVersions: true },
    list: { prefix: (name) => `secret/${name}/`, showsDeleted: true }
  },
  real: { available: () => isInstalled('openbao'), open: openBao },
  wire: { dialect: vaultDialect, connect: connectToWire }
}
