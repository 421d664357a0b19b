/** The store that `purser init` writes. Rule: plain data, so that the command loads nothing for it. */
import type { Example } from '../kind.ts'

export const example: Example = {
  about: "credentials come from the SDK's default chain; ARNs of other accounts are refused",
  lines: [
    '- name: aws',
    '  kind: aws-secrets-manager',
    '  region: eu-west-1',
    '  accounts: ["123456789012"]'
  ]
}
