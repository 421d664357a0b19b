/**
 * What `purser init` writes for each kind of store, and in which order it offers them. Rule: the catalog says which
 * kinds there are, and a missing one is no program; but this list stands apart, since the command would wait for all
 * that a kind loads.
 */
import { example as aws } from './aws/example.ts'
import { example as azure } from './azure/example.ts'
import type { StoreKind } from './catalog.ts'
import { example as gcp } from './gcp/example.ts'
import type { Example } from './kind.ts'
import { example as kubernetes } from './kubernetes/example.ts'
import { example as local } from './local/example.ts'
import { example as onePassword } from './onepassword/example.ts'
import { example as vault } from './vault/example.ts'

export const examples: Readonly<Record<StoreKind, Example>> = {
  local,
  'aws-secrets-manager': aws,
  'azure-key-vault': azure,
  'gcp-secret-manager': gcp,
  kubernetes,
  'onepassword-connect': onePassword,
  vault
}
