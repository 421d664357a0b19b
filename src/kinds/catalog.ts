/** Every kind of store that Purser knows: one line each, and the only list of them. */
import { awsSecretsManager } from './aws/index.ts'
import { azureKeyVault } from './azure/index.ts'
import { gcpSecretManager } from './gcp/index.ts'
import { kubernetes } from './kubernetes/index.ts'
import { local } from './local/index.ts'
import type { ProviderPlugin } from './provider.ts'
import { vault } from './vault/index.ts'

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
