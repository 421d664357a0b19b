/**
 * Entries of HASHICORP_VAULT_CONFIG whose definition is kept in Kubernetes. Rule: Apono's members have Apono's words,
 * all others ours.
 */
import { type Static, Type } from 'typebox'
import type { DefinitionSource } from '../kind.ts'
import { Passed, Text } from '../shared/members.ts'

const Entry = Type.Object({ namespace: Text, name: Text, auth: Passed })

export const definitions: DefinitionSource = {
  word: 'KUBERNETES',
  members: Entry.properties,
  capitals: { NAMESPACE: 'namespace' },
  words: { namespaces: 'namespace' },
  sourceOf: (entry) => {
    const { name, namespace, ...settings } = entry as Static<typeof Entry>
    return {
      settings: { ...settings, namespaces: [namespace] },
      refIn: (store) => `${store}:${namespace}/${name}`
    }
  }
}
