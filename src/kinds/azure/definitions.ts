/**
 * Entries of HASHICORP_VAULT_CONFIG whose definition is kept in Azure Key Vault. Rule: Apono's members have Apono's
 * words, all others ours.
 */
import { type Static, Type } from 'typebox'
import type { DefinitionSource } from '../kind.ts'
import { Passed, Text } from '../shared/members.ts'

const Entry = Type.Object({
  vault_url: Text,
  name: Text,
  auth: Passed,
  allowAnyHost: Passed,
  caCertFile: Passed
})

export const definitions: DefinitionSource = {
  word: 'AZURE',
  members: Entry.properties,
  capitals: { AZURE_KEY_VAULT_URL: 'vault_url' },
  words: { vaultUrl: 'vault_url' },
  sourceOf: (entry) => {
    const { name, vault_url: vaultUrl, ...settings } = entry as Static<typeof Entry>
    return { settings: { ...settings, vaultUrl }, refIn: (store) => `${store}:${name}` }
  }
}
