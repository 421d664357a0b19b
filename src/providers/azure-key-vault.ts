/**
 * Azure Key Vault. Rule: requests and tokens go to the configured vault only, which is a host of Azure's own unless the
 * settings say otherwise; a secret that is disabled, expired or not yet valid is not given out, whatever the vault gives.
 *
 * RBAC: `Key Vault Secrets User` (or the access policy `get`) to read; nothing more to check, where `list` may be refused.
 */
import { readFile } from 'node:fs/promises'
import type { KeyVaultSecret } from '@azure/keyvault-secrets'
import { type Static, Type } from 'typebox'
import { ProviderFault } from '../core/fault.ts'
import { type SecretRecord, Sensitive } from '../core/secret.ts'
import { Auth, type Cloud, createTokens } from './azure-login.ts'
import { createTransport, faultOfAnswer, type Send, sendingBy } from './azure-transport.ts'
import { reasonOfStatus, retryOnce, settleBySignal } from './fault-of.ts'
import { type CallOptions, defineProvider } from './provider.ts'

const Settings = Type.Object(
  {
    vaultUrl: Type.String({
      pattern: '^https://[^/?#@\\s]+/?$',
      maxLength: 512,
      description: "the vault's address, e.g. `https://my-vault.vault.azure.net`"
    }),
    allowAnyHost: Type.Optional(
      Type.Boolean({
        description:
          "accept a host that is not Azure's own, such as an emulator's: it is then not compared with the vault's challenge, and whoever answers there is sent tokens for Key Vault"
      })
    ),
    auth: Type.Optional(Auth),
    caCertFile: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'a PEM file with the authorities to trust instead of the public ones, for the vault and for logins'
      })
    )
  },
  { additionalProperties: false }
)
type Settings = Static<typeof Settings>

const PUBLIC: Cloud = { audience: 'https://vault.azure.net/.default' }

/** https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates#dns-suffixes-for-object-identifiers */
const CLOUDS: ReadonlyMap<string, Cloud> = new Map([
  ['vault.azure.net', PUBLIC],
  [
    'vault.azure.cn',
    {
      audience: 'https://vault.azure.cn/.default',
      authorityHost: 'https://login.chinacloudapi.cn'
    }
  ],
  [
    'vault.usgovcloudapi.net',
    {
      audience: 'https://vault.usgovcloudapi.net/.default',
      authorityHost: 'https://login.microsoftonline.us'
    }
  ]
])

/** The cloud that a host of Azure's own belongs to; undefined for any other host, and for one with a port. */
const cloudOf = ({ host }: URL): Cloud | undefined => {
  const [, suffix = ''] = /^[a-z][a-z0-9-]{1,22}[a-z0-9]\.(.+)$/.exec(host) ?? []
  return CLOUDS.get(suffix)
}

/** What no secret and no version can be called does not exist; asking could only lead to another path of the vault. */
const NAME = /^[0-9A-Za-z-]{1,127}$/
const VERSION = /^[0-9A-Za-z]{1,64}$/

/** The vault gives these out all the same: its dates are for its readers to heed. */
const assertUsable = ({ properties }: KeyVaultSecret, now: number): void => {
  const { enabled, expiresOn, notBefore } = properties
  const refuse = (code: string) => new ProviderFault('not_found', { code })
  if (enabled === false) throw refuse('secret_disabled')
  if (expiresOn !== undefined && expiresOn.getTime() <= now) throw refuse('secret_expired')
  if (notBefore !== undefined && notBefore.getTime() > now) throw refuse('secret_not_yet_valid')
}

const toRecord = (secret: KeyVaultSecret, now: number): SecretRecord => {
  const { value, properties } = secret
  const { version, tags = {} } = properties
  if (typeof value !== 'string' || !version) throw new ProviderFault('invalid_answer')
  assertUsable(secret, now)
  return { text: new Sensitive(value), version, tags: new Map(Object.entries(tags)) }
}

/** What the SDK throws by itself, and not our transport: it had an answer by then. */
const faultOf = (error: unknown): ProviderFault => {
  if (error instanceof ProviderFault) return error
  const { name, message, statusCode } = error as Error & { readonly statusCode?: unknown }
  if (name === 'AbortError') return new ProviderFault('timeout')
  if (typeof statusCode === 'number' && statusCode !== 200) {
    return new ProviderFault(reasonOfStatus(statusCode), { status: statusCode })
  }
  // "The challenge resource ... does not match the requested domain": no vault of Azure's answered.
  if (message.startsWith('The challenge ')) {
    return new ProviderFault('misconfigured', { code: 'challenge' })
  }
  return new ProviderFault('invalid_answer')
}

const TOKEN_REFUSED = 'token_refused'

/** How the vault says that it knows us and that our role does not go so far; a firewall is another matter. */
const LEAST_PRIVILEGE = new Set(['AccessDenied', 'ForbiddenByPolicy', 'ForbiddenByRbac'])

export const azureKeyVault = defineProvider({
  kind: 'azure-key-vault',
  tags: 'tags',
  settings: Settings,

  address: ({ vaultUrl, allowAnyHost = false }: Settings) => {
    const url = new URL(vaultUrl)
    if (!allowAnyHost && cloudOf(url) === undefined) {
      throw new Error(
        `the vault is no host of Azure's (a name in ${[...CLOUDS.keys()].join(', ')}, without a port): allowAnyHost would accept it`
      )
    }
    return { kind: 'azure-key-vault', host: url.hostname }
  },

  connect: async (settings: Settings, deps) => {
    const { vaultUrl, allowAnyHost = false, auth = { method: 'default' }, caCertFile } = settings
    const { SecretClient } = await import('@azure/keyvault-secrets')
    const url = new URL(vaultUrl)
    const cloud = cloudOf(url)
    const ca = caCertFile === undefined ? undefined : [await readFile(caCertFile, 'utf8')]
    const transport = await createTransport(ca)
    const tokens = createTokens(auth, cloud ?? PUBLIC, transport, deps)

    const send: Send = async (request) => {
      const [, token] = request.headers.get('authorization')?.split(' ') ?? []
      const answer = await transport.send(request)
      // The first request goes without a token, for the vault to say which one it wants.
      if (answer.status === 200 || (answer.status === 401 && token === undefined)) return answer
      if (answer.status !== 401 || token === undefined) throw faultOfAnswer(answer, deps.now())
      tokens.disown(token)
      throw new ProviderFault('denied', { code: TOKEN_REFUSED, status: 401 })
    }

    // Already expired, as far as the SDK knows: so it keeps no copy, and asks again for the next request.
    const getToken = async () => ({
      token: (await tokens.get()).reveal(),
      expiresOnTimestamp: 0
    })
    const client = new SecretClient(
      url.origin,
      { getToken },
      {
        ...sendingBy(send),
        disableChallengeResourceVerification: allowAnyHost && cloud === undefined
      }
    )

    const isCured = async ({ reason, code, retryAfterSeconds }: ProviderFault) =>
      code === TOKEN_REFUSED || (reason === 'unavailable' && retryAfterSeconds === undefined)

    const call = <T>(options: CallOptions, ask: () => Promise<T>): Promise<T> => {
      const attempt = () =>
        ask().catch((error: unknown) => {
          throw faultOf(error)
        })
      // The SDK's abortSignal does not reach a login that hangs; `settleBySignal` does.
      return settleBySignal(options, () => retryOnce(options, attempt, isCured))
    }

    return {
      read: ({ path, version }, options) =>
        call(options, async () => {
          if (!NAME.test(path) || (version !== undefined && !VERSION.test(version))) {
            throw new ProviderFault('not_found', { code: 'name' })
          }
          const abortSignal = options.signal
          const wanted = { abortSignal, ...(version !== undefined && { version }) }
          return toRecord(await client.getSecret(path, wanted), deps.now())
        }),
      check: async (options) => {
        try {
          const pages = () =>
            client
              .listPropertiesOfSecrets({ abortSignal: options.signal })
              .byPage({ maxPageSize: 1 })
          await call(options, () => pages().next())
        } catch (fault) {
          if (!LEAST_PRIVILEGE.has((fault as ProviderFault).code ?? '')) throw fault
        }
      },
      close: async () => {
        tokens.close()
        transport.close()
      }
    }
  }
})
