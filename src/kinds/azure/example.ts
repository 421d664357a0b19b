/** The store that `purser init` writes. Rule: plain data, so that the command loads nothing for it. */
import type { Example } from '../kind.ts'

export const example: Example = {
  about: 'one store a vault; credentials come from the default chain of the SDK',
  lines: [
    '- name: kv',
    '  kind: azure-key-vault',
    '  vaultUrl: https://keyvault-name.vault.azure.net'
  ]
}
