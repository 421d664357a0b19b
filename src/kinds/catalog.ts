/** Every kind of store that Purser knows: one line each, and the only list of them. */
import { awsSecretsManager } from './aws/index.ts'
import { azureKeyVault } from './azure/index.ts'
import { gcpSecretManager } from './gcp/index.ts'
import type { Kind } from './kind.ts'
import { kubernetes } from './kubernetes/index.ts'
import { local } from './local/index.ts'
import { onePasswordConnect } from './onepassword/index.ts'
import { vault } from './vault/index.ts'

const kinds = [
  awsSecretsManager,
  azureKeyVault,
  gcpSecretManager,
  kubernetes,
  local,
  onePasswordConnect,
  vault
] as const

export type StoreKind = (typeof kinds)[number]['kind']

// A kind knows the type of its own settings; configuration checks them against `settings` before it connects.
export const catalog: readonly Kind[] = kinds as readonly unknown[] as readonly Kind[]

/** The kind behind the word in `kind:`; undefined if there is none. */
export const kindOf = (kind: string): Kind | undefined =>
  catalog.find((known) => known.kind === kind)
