/** Every kind of store that Purser knows: one line each, and the only list of them. */
import { awsSecretsManager } from './aws-secrets-manager.ts'
import { local } from './local.ts'
import type { ProviderPlugin } from './provider.ts'
import { vault } from './vault.ts'

// A plugin knows the type of its own settings; configuration checks them against `settings` before it connects.
export const catalog: readonly ProviderPlugin[] = [
  awsSecretsManager as ProviderPlugin,
  local,
  vault as ProviderPlugin
]

/** The plugin behind the word in `kind:`; undefined if there is none. */
export const pluginOf = (kind: string): ProviderPlugin | undefined =>
  catalog.find((plugin) => plugin.kind === kind)
