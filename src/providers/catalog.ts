/** Every kind of store that Purser knows: one line each, and the only list of them. */
import { awsSecretsManager } from './aws-secrets-manager.ts'
import { azureKeyVault } from './azure-key-vault.ts'
import { gcpSecretManager } from './gcp-secret-manager.ts'
import { kubernetes } from './kubernetes.ts'
import { local } from './local.ts'
import type { ProviderPlugin } from './provider.ts'
import { vault } from './vault.ts'

// A plugin knows the type of its own settings; configuration checks them against `settings` before it connects.
export const catalog: readonly ProviderPlugin[] = [
  awsSecretsManager as ProviderPlugin,
  azureKeyVault as ProviderPlugin,
  gcpSecretManager as ProviderPlugin,
  kubernetes as ProviderPlugin,
  local,
  vault as ProviderPlugin
]

/** The plugin behind the word in `kind:`; undefined if there is none. */
export const pluginOf = (kind: string): ProviderPlugin | undefined =>
  catalog.find((plugin) => plugin.kind === kind)
