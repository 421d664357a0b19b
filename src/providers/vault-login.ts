/**
 * The ways to log in to Vault, and the settings of each. Rule: a credential is read anew where its setting says at each
 * login and is not kept; a login that is refused is the broker's fault, never the absence of a secret.
 */
import { type Static, Type } from 'typebox'
import { type FaultDetails, type FaultReason, ProviderFault } from '../core/fault.ts'
import type { Sensitive } from '../core/secret.ts'
import { type CallOptions, Credential, type ProviderDeps } from './provider.ts'
import { type Grant, parseGrant, parseLookup } from './vault-answer.ts'
import { encodePath, requestOptions, type VaultClient } from './vault-client.ts'
import type { Authority } from './vault-session.ts'

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
        secretId: Type.Optional(credential('where the secret id is, unless the role needs none')),
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

const PASSING: ReadonlySet<FaultReason> = new Set(['timeout', 'unavailable', 'throttled'])

/** A credential that is absent, forbidden or unreadable is a fault of the configuration, wherever it was to come from. */
const credentialFault = (error: unknown): ProviderFault =>
  error instanceof ProviderFault && PASSING.has(error.reason)
    ? error
    : new ProviderFault('misconfigured', { code: 'credential' })

/** 400 is how Vault answers a wrong role id, secret id, user name or password. */
const loginFault = (error: unknown): unknown => {
  if (!(error instanceof ProviderFault)) return error
  const { status, code } = error
  const details: FaultDetails = { status, code: code ?? 'login' }
  if (status === 400) return new ProviderFault('denied', details)
  return error.reason === 'not_found' ? new ProviderFault('misconfigured', details) : error
}

/** Logs in by node-vault's commands; the mount and the user name stand in the path, so they are encoded. */
export const createAuthority = (
  client: VaultClient,
  auth: Auth,
  deps: Pick<ProviderDeps, 'credential'>
): Authority => {
  const read = async (where: Credential, options: CallOptions): Promise<Sensitive<string>> => {
    try {
      return await deps.credential(where, options)
    } catch (error) {
      throw credentialFault(error)
    }
  }
  const reveal = async (where: Credential, options: CallOptions) =>
    (await read(where, options)).reveal()

  /** A token of the configuration comes without its lifetime, so it is asked for. */
  const adopt = async (token: Sensitive<string>, options: CallOptions): Promise<Grant> => {
    try {
      return parseLookup(
        await client.tokenLookupSelf({ requestOptions: requestOptions(options, token) }),
        token
      )
    } catch (error) {
      // A token without the default policy may not look at itself and still read: nothing is known of its lifetime then.
      if (!(error instanceof ProviderFault) || error.reason !== 'denied') throw error
      return { token, ttlSeconds: 0, renewable: false }
    }
  }

  const send = async (options: CallOptions): Promise<Grant> => {
    const common = (mount: string) => ({
      mount_point: encodePath(mount),
      requestOptions: requestOptions(options)
    })
    switch (auth.method) {
      case 'token':
        return adopt(await read(auth.token, options), options)
      case 'approle': {
        const { roleId, secretId, mount = 'approle' } = auth
        return parseGrant(
          await client.approleLogin({
            ...common(mount),
            role_id: typeof roleId === 'string' ? roleId : await reveal(roleId, options),
            ...(secretId !== undefined && { secret_id: await reveal(secretId, options) })
          })
        )
      }
      case 'userpass':
        return parseGrant(
          await client.userpassLogin({
            ...common(auth.mount ?? 'userpass'),
            username: encodePath(auth.username),
            password: await reveal(auth.password, options)
          })
        )
      case 'kubernetes':
        return parseGrant(
          await client.kubernetesLogin({
            ...common(auth.mount ?? 'kubernetes'),
            role: auth.role,
            jwt: await reveal(auth.jwt ?? { file: SERVICE_ACCOUNT_TOKEN }, options)
          })
        )
      case 'jwt':
        return parseGrant(
          await client.jwtLogin({
            ...common(auth.mount ?? 'jwt'),
            // Without one Vault takes the default role of the mount; node-vault wants the member.
            role: auth.role ?? '',
            jwt: await reveal(auth.jwt, options)
          })
        )
    }
  }

  return {
    login: (options) =>
      send(options).catch((error) => {
        throw loginFault(error)
      }),
    renew: async (token, options) =>
      parseGrant(await client.tokenRenewSelf({ requestOptions: requestOptions(options, token) }))
  }
}
