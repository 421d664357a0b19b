/**
 * Gets a token for Azure Key Vault, and keeps it while it is valid. Rule: a token is asked for Key Vault's audience and
 * no other, whatever a challenge says.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { TokenCredential, TokenCredentialOptions } from '@azure/identity'
import { type Static, Type } from 'typebox'
import { ProviderFault } from '../../core/fault.ts'
import { Sensitive } from '../../core/secret.ts'
import { type CallOptions, Credential, type ProviderDeps } from '../provider.ts'
import { ambientCredential, secretsAt } from '../shared/credential.ts'
import { createLogin, type Login } from '../shared/login.ts'
import { faultOfAnswer, type Send, sendingBy, type Transport } from './transport.ts'

const strict = { additionalProperties: false }
const Id = (description: string) => Type.String({ pattern: '^[0-9A-Za-z.-]{1,128}$', description })
const credential = (description: string) => Type.Union(Credential.anyOf, { description })

/** Where the webhook of Azure Workload Identity puts the service account's token. */
const FEDERATED_TOKEN = '/var/run/secrets/azure/tokens/azure-identity-token'

const application = {
  tenantId: Id("the directory's id or domain"),
  clientId: Id("the application's id"),
  authorityHost: Type.Optional(
    Type.String({
      pattern: '^https://[^/?#@\\s]+/?$',
      description: "where to log in, if not at the cloud's own Microsoft Entra"
    })
  )
}

export const Auth = Type.Union(
  [
    Type.Object(
      {
        method: Type.Literal('default', {
          description:
            'what the environment offers: its AZURE_ variables, a workload identity, or else a managed identity'
        })
      },
      strict
    ),
    Type.Object(
      {
        method: Type.Literal('client-secret', { description: 'an application and its secret' }),
        ...application,
        clientSecret: credential('where the secret is')
      },
      strict
    ),
    Type.Object(
      {
        method: Type.Literal('workload-identity', {
          description: 'an application that trusts the service account of this pod'
        }),
        ...application,
        token: Type.Optional(
          credential(`where the service account's token is; default ${FEDERATED_TOKEN}`)
        )
      },
      strict
    ),
    Type.Object(
      {
        method: Type.Literal('managed-identity', { description: 'the identity of this machine' }),
        clientId: Type.Optional(Id('which one, if it is not the one that the system assigned'))
      },
      strict
    )
  ],
  { description: 'how to log in; default `{ method: default }`' }
)
export type Auth = Static<typeof Auth>

/** What the cloud of the vault fixes. */
export interface Cloud {
  /** The scope of its tokens. */
  readonly audience: string
  /** Its Microsoft Entra; undefined for what the SDK takes, which is AZURE_AUTHORITY_HOST or else the public one. */
  readonly authorityHost?: string
}

/**
 * How the login under way sends its requests. It cannot be bound to a credential: MSAL sends the requests of all
 * managed identities by the client of the first one, for as long as the process lives.
 */
const sending = new AsyncLocalStorage<Send>()
const byLogin = sendingBy(async (request) => {
  const send = sending.getStore()
  if (send === undefined) throw new ProviderFault('unavailable', { code: 'login' })
  return send(request)
})

/**
 * How OAuth says that client and secret are wrong is a 400 or a 401, and how IMDS says that it has no such identity.
 */
const loginFault = ({ reason, status, code, retryAfterSeconds }: ProviderFault): ProviderFault =>
  new ProviderFault(status === 400 ? 'denied' : reason, {
    status,
    code: code ?? 'login',
    retryAfterSeconds
  })

/** What the chain of the default credentials looks at. */
const AMBIENT = {
  variables: ['AZURE_TENANT_ID', 'AZURE_CLIENT_ID', 'AZURE_CLIENT_SECRET'],
  fileVariables: ['AZURE_CLIENT_CERTIFICATE_PATH', 'AZURE_FEDERATED_TOKEN_FILE'],
  files: []
}

/** The secrets that a login shows: of an application one, of a machine none (`LoginMemory.nameOf`). */
const secretsOf = async (
  auth: Auth,
  deps: Pick<ProviderDeps, 'credential'>,
  options: CallOptions
): Promise<readonly string[]> => {
  if (auth.method === 'default') return ambientCredential(deps, AMBIENT, options)
  if (auth.method === 'managed-identity') return ['']
  const where =
    auth.method === 'client-secret' ? auth.clientSecret : (auth.token ?? { file: FEDERATED_TOKEN })
  return secretsAt(deps, [where], options)
}

const createCredential = async (
  auth: Auth,
  common: TokenCredentialOptions,
  secret: string
): Promise<TokenCredential> => {
  const identity = await import('@azure/identity')
  switch (auth.method) {
    case 'default':
      // As DefaultAzureCredential with AZURE_TOKEN_CREDENTIALS=prod: nothing that stands for a developer.
      return new identity.ChainedTokenCredential(
        new identity.EnvironmentCredential(common),
        // Its constructor throws where the chain should go on.
        {
          getToken: async (...to) => new identity.WorkloadIdentityCredential(common).getToken(...to)
        },
        new identity.ManagedIdentityCredential(common)
      )
    case 'managed-identity':
      return new identity.ManagedIdentityCredential({
        ...common,
        ...(auth.clientId !== undefined && { clientId: auth.clientId })
      })
    default: {
      const { tenantId, clientId, authorityHost } = auth
      const options = {
        ...common,
        // Otherwise MSAL would ask the public cloud about the configured host.
        ...(authorityHost !== undefined && { authorityHost, disableInstanceDiscovery: true })
      }
      return auth.method === 'client-secret'
        ? new identity.ClientSecretCredential(tenantId, clientId, secret, options)
        : new identity.ClientAssertionCredential(tenantId, clientId, async () => secret, options)
    }
  }
}

export interface Held {
  readonly token: Sensitive<string>
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** Less than the five minutes at which MSAL's own cache, where it has one, would still give out the old token. */
const MARGIN_MS = 120_000

export const createTokens = (
  auth: Auth,
  { audience, authorityHost }: Cloud,
  transport: Transport,
  deps: Pick<ProviderDeps, 'credential' | 'now' | 'logins'>
): Login<Held> => {
  const logIn = async ([secret = '']: readonly string[], options: CallOptions): Promise<Held> => {
    // The SDK wraps, reads out and forgets what failed; what counts is the first thing that failed on the wire.
    let failure: ProviderFault | undefined
    let wasAnswered = false
    const send: Send = async (request) => {
      request.abortSignal = options.signal
      try {
        const answer = await transport.send(request)
        wasAnswered = true
        if (answer.status !== 200) failure ??= loginFault(faultOfAnswer(answer, deps.now()))
        return answer
      } catch (error) {
        if (error instanceof ProviderFault) failure ??= error
        throw error
      }
    }
    const common = { ...byLogin, ...(authorityHost !== undefined && { authorityHost }) }
    const credential = await createCredential(auth, common, secret)
    const got = await sending.run(send, () => credential.getToken(audience)).catch(() => null)
    if (got !== null) return { token: new Sensitive(got.token), expiresAt: got.expiresOnTimestamp }
    throw (
      failure ??
      new ProviderFault(wasAnswered ? 'invalid_answer' : 'misconfigured', { code: 'login' })
    )
  }

  return createLogin<Held>(
    {
      credential: (options) => secretsOf(auth, deps, options),
      login: logIn,
      isFresh: ({ expiresAt }) => deps.now() < expiresAt - MARGIN_MS,
      isAnswered: true
    },
    deps
  )
}
