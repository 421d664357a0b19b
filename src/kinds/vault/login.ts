/**
 * The ways to log in to Vault, and the settings of each. Rule: a credential is read anew where its setting says at each
 * login and is not kept; a login that is refused is the broker's fault, never the absence of a secret.
 */
import { type Static, Type } from 'typebox'
import { type FaultDetails, ProviderFault } from '../../core/fault.ts'
import { Sensitive } from '../../core/secret.ts'
import { type CallOptions, Credential, type ProviderDeps } from '../provider.ts'
import { secretsAt } from '../shared/credential.ts'
import { parseLookup, parseUnwrapped, parseVaultToken, type VaultToken } from './answer.ts'
import { encodePath, requestOptions, type VaultClient } from './client.ts'
import type { Authority } from './session.ts'

const SERVICE_ACCOUNT_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token'

const strict = { additionalProperties: false }
const Mount = (name: string) =>
  Type.Optional(
    Type.String({
      pattern: '^[^/]+(/[^/]+)*$',
      maxLength: 256,
      description: `where the method is mounted, without \`auth/\`; default ${name}`
    })
  )
const Name = (description: string) => Type.String({ minLength: 1, maxLength: 512, description })
const credential = (description: string) => Type.Union(Credential.anyOf, { description })

const [inEnv, inFile, inStore] = Credential.anyOf
const wrapped = Type.Optional(
  Type.Boolean({ description: 'it is the token of a wrapped answer (response wrapping)' })
)
const Wrappable = (description: string) =>
  Type.Union(
    [
      Type.Object(
        { ...inEnv.properties, wrapped },
        { ...strict, description: 'an environment variable' }
      ),
      Type.Object(
        { ...inFile.properties, wrapped },
        { ...strict, description: 'a file, read anew at each login' }
      ),
      Type.Object(
        { ...inStore.properties, wrapped },
        { ...strict, description: 'a reference to another store' }
      )
    ],
    { description }
  )

export const Auth = Type.Union(
  [
    Type.Object(
      {
        method: Type.Literal('token', { description: 'a token that something else keeps ready' }),
        token: credential('the token; renewed while the server allows it')
      },
      strict
    ),
    Type.Object(
      {
        method: Type.Literal('approle', { description: 'the AppRole method' }),
        roleId: Type.Union([Name('the role id itself, which is no secret'), Credential], {
          description: 'the role id, or where it is'
        }),
        secretId: Type.Optional(
          Wrappable(
            'where the secret id is, unless the role needs none; with `wrapped: true`, where the wrapping token of one is, which is unwrapped once and kept in memory'
          )
        ),
        mount: Mount('approle')
      },
      strict
    ),
    Type.Object(
      {
        method: Type.Literal('userpass', { description: 'a user name and a password' }),
        username: Name('the user name'),
        password: credential('where the password is'),
        mount: Mount('userpass')
      },
      strict
    ),
    Type.Object(
      {
        method: Type.Literal('kubernetes', { description: 'the service account of this pod' }),
        role: Name('the role of the Kubernetes method'),
        jwt: Type.Optional(
          credential(`where the service account's token is; default ${SERVICE_ACCOUNT_TOKEN}`)
        ),
        mount: Mount('kubernetes')
      },
      strict
    ),
    Type.Object(
      {
        method: Type.Literal('jwt', {
          description: 'a token of an issuer that the JWT/OIDC method trusts'
        }),
        role: Type.Optional(Name("the role of the JWT method; the mount's default one if absent")),
        jwt: credential('where the token is'),
        mount: Mount('jwt')
      },
      strict
    )
  ],
  { description: 'how to log in' }
)
export type Auth = Static<typeof Auth>

/** Vault answers a wrong role id, secret id, user name or password with 400. */
const loginFault = (error: unknown): unknown => {
  if (!(error instanceof ProviderFault)) return error
  const { status, code } = error
  const details: FaultDetails = { status, code: code ?? 'login' }
  if (status === 400 && code === undefined) return new ProviderFault('denied', details)
  return error.reason === 'not_found' ? new ProviderFault('misconfigured', details) : error
}

/** Where the secrets of a login stand, in the order in which `send` takes them. */
const placesOf = (auth: Auth): readonly Credential[] => {
  switch (auth.method) {
    case 'token':
      return [auth.token]
    case 'approle': {
      const { roleId, secretId } = auth
      const where = typeof roleId === 'string' ? [] : [roleId]
      if (secretId === undefined) return where
      const { wrapped: _wrapped, ...place } = secretId
      return [...where, place]
    }
    case 'userpass':
      return [auth.password]
    case 'kubernetes':
      return [auth.jwt ?? { file: SERVICE_ACCOUNT_TOKEN }]
    case 'jwt':
      return [auth.jwt]
  }
}

/** Vault is asked for the lifetime of a configured token. */
const adopt = async (
  client: VaultClient,
  token: Sensitive<string>,
  options: CallOptions
): Promise<VaultToken> => {
  try {
    return parseLookup(
      await client.tokenLookupSelf({ requestOptions: requestOptions(options, token) }),
      token
    )
  } catch (error) {
    // A token without the default policy can read but not look itself up: its lifetime stays unknown.
    if (!(error instanceof ProviderFault) || error.reason !== 'denied') throw error
    return { token, ttlSeconds: 0, renewable: false }
  }
}

type Unwrap = (wrapping: string, options: CallOptions) => Promise<string>

/** A wrapping token works once; the secret id that it gave works for as long as this process keeps it. */
const createUnwrap = (client: VaultClient, log: ProviderDeps['log']): Unwrap => {
  let unwrapped: { readonly by: string; readonly secretId: Sensitive<string> } | undefined
  return async (wrapping, options) => {
    if (unwrapped?.by !== wrapping) {
      const shown = requestOptions(options, new Sensitive(wrapping))
      const answer = await client.write('sys/wrapping/unwrap', {}, shown).catch((error) => {
        const { reason, status } = error as ProviderFault
        if (status !== 400 && reason !== 'denied') throw error
        // https://developer.hashicorp.com/vault/docs/concepts/response-wrapping#response-wrapping-token-validation
        log('error', 'the wrapped secret id was unwrapped before, or has expired: who did it?')
        throw new ProviderFault('misconfigured', { code: 'wrapping_token_used', status })
      })
      unwrapped = { by: wrapping, secretId: parseUnwrapped(answer) }
    }
    return unwrapped.secretId.reveal()
  }
}

/** By node-vault's commands; the mount and the user name stand in the path, so they are encoded. */
const send = async (
  client: VaultClient,
  auth: Exclude<Auth, { method: 'token' }>,
  [first = '', second = first]: readonly string[],
  unwrap: Unwrap,
  options: CallOptions
): Promise<string> => {
  const common = {
    mount_point: encodePath(auth.mount ?? auth.method),
    requestOptions: requestOptions(options)
  }
  switch (auth.method) {
    case 'approle': {
      const { roleId, secretId } = auth
      const isWrapped = secretId?.wrapped === true
      return client.approleLogin({
        ...common,
        role_id: typeof roleId === 'string' ? roleId : first,
        ...(secretId !== undefined && {
          secret_id: isWrapped ? await unwrap(second, options) : second
        })
      })
    }
    case 'userpass':
      return client.userpassLogin({
        ...common,
        username: encodePath(auth.username),
        password: first
      })
    case 'kubernetes':
      return client.kubernetesLogin({ ...common, role: auth.role, jwt: first })
    case 'jwt':
      // Without a role Vault takes the default one of the mount; node-vault wants the member.
      return client.jwtLogin({ ...common, role: auth.role ?? '', jwt: first })
  }
}

export const createAuthority = (
  client: VaultClient,
  auth: Auth,
  deps: Pick<ProviderDeps, 'credential' | 'log'>
): Authority => {
  const unwrap = createUnwrap(client, deps.log)
  const logIn = async (secrets: readonly string[], options: CallOptions): Promise<VaultToken> =>
    auth.method === 'token'
      ? adopt(client, new Sensitive(secrets[0] ?? ''), options)
      : parseVaultToken(await send(client, auth, secrets, unwrap, options))
  return {
    isAnswered: auth.method !== 'token',
    credential: (options) => secretsAt(deps, placesOf(auth), options),
    login: (secrets, options) =>
      logIn(secrets, options).catch((error) => {
        throw loginFault(error)
      }),
    renew: async (token, options) =>
      parseVaultToken(
        await client.tokenRenewSelf({ requestOptions: requestOptions(options, token) })
      )
  }
}
