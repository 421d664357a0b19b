/**
 * Entries of HASHICORP_VAULT_CONFIG whose definition is kept in AWS. Rule: Apono's members have Apono's words, all
 * others ours.
 */
import { type Static, Type } from 'typebox'
import type { DefinitionSource } from '../kind.ts'
import { Passed, Text } from '../shared/members.ts'

const Entry = Type.Object({ region: Text, secret_id: Text, endpoint: Passed, caCertFile: Passed })

/** AWS takes an ARN for an id as well. */
const ARN = /^arn:[^:]*:secretsmanager:[^:]*:(\d{12}):secret:/

export const definitions: DefinitionSource = {
  word: 'AWS',
  members: Entry.properties,
  sourceOf: (entry) => {
    const { secret_id: secret, ...settings } = entry as Static<typeof Entry>
    const account = ARN.exec(secret)?.[1]
    return {
      settings: { ...settings, ...(account !== undefined && { accounts: [account] }) },
      refIn: (store) => (account === undefined ? `${store}:${secret}` : secret)
    }
  }
}
