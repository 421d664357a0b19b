/**
 * Entries of HASHICORP_VAULT_CONFIG whose definition is kept in GCP. Rule: Apono's members have Apono's words, all
 * others ours.
 */
import { type Static, Type } from 'typebox'
import type { DefinitionSource } from '../kind.ts'
import { Passed, Text } from '../shared/members.ts'

const Entry = Type.Object({
  project: Text,
  secret_id: Text,
  location: Passed,
  auth: Passed,
  endpoint: Passed,
  insecure: Passed,
  caCertFile: Passed
})

export const definitions: DefinitionSource = {
  word: 'GCP',
  members: Entry.properties,
  sourceOf: (entry) => {
    const { secret_id: secret, ...settings } = entry as Static<typeof Entry>
    return { settings, refIn: (store) => `${store}:${secret}` }
  }
}
