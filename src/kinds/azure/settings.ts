/**
 * What a store of Azure Key Vault has to say, and the clouds that a vault may be in. Rule: a host is Azure's own by its
 * name alone.
 */
import { type Static, Type } from 'typebox'
import { Auth, type Cloud } from './login.ts'

export const StoreSettings = Type.Object(
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
export type StoreSettings = Static<typeof StoreSettings>

export const PUBLIC: Cloud = { audience: 'https://vault.azure.net/.default' }

/**
 * https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates#dns-suffixes-for-object-identifiers
 */
export const CLOUDS: ReadonlyMap<string, Cloud> = new Map([
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
export const cloudOf = ({ host }: URL): Cloud | undefined => {
  const [, suffix = ''] = /^[a-z][a-z0-9-]{1,22}[a-z0-9]\.(.+)$/.exec(host) ?? []
  return CLOUDS.get(suffix)
}
