/** The store that `purser init` writes. Rule: plain data, so that the command loads nothing for it. */
import type { Example } from '../kind.ts'

export const example: Example = {
  about: '1Password, by a Connect server; its token is read from the environment or .env',
  lines: [
    '- name: onepassword',
    '  kind: onepassword-connect',
    '  address: https://connect.internal:8080',
    '  token: { env: OP_CONNECT_TOKEN }',
    '  vaults: [my-vault]'
  ]
}
