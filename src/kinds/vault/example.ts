/**
 * The store of a Vault that `purser init` writes, by what was answered. Rule: it names variables for what its login
 * needs, never a value.
 */
import type { Example } from '../kind.ts'

export const VAULT_LOGINS = ['token', 'approle', 'userpass', 'kubernetes'] as const
export type VaultLogin = (typeof VAULT_LOGINS)[number]

export interface VaultChoices {
  readonly address: string
  readonly login: VaultLogin
  /** Of the user or the role, for the logins that have one. */
  readonly name: string
}

export const VAULT_CHOICES: VaultChoices = {
  address: 'https://vault.internal:8200',
  login: 'token',
  name: 'purser'
}

const VAULT_AUTH: Readonly<Record<VaultLogin, (name: string) => string>> = {
  token: () => 'token: { env: VAULT_TOKEN }',
  approle: () => 'roleId: { env: VAULT_ROLE_ID }, secretId: { env: VAULT_SECRET_ID }',
  userpass: (name) => `username: ${name}, password: { env: VAULT_PASSWORD }`,
  kubernetes: (name) => `role: ${name}`
}

/** The variables that hold what the login needs. */
export const vaultVariables = ({ login }: VaultChoices): string[] =>
  VAULT_AUTH[login]('').match(/VAULT_\w+/g) ?? []

/** Any text as YAML, also inside braces. */
const scalar = (text: string): string => (/^[\w./:@-]+$/.test(text) ? text : JSON.stringify(text))

export const exampleOf = ({ address, login, name }: VaultChoices): Example => ({
  about:
    'HashiCorp Vault or OpenBao; variables named in its login are read from the environment or .env',
  lines: [
    '- name: vault',
    '  kind: vault',
    `  address: ${scalar(address)}`,
    '  mounts: [{ path: my-kv, version: 2 }]',
    `  auth: { method: ${login}, ${VAULT_AUTH[login](scalar(name))} }`
  ]
})

export const example: Example = exampleOf(VAULT_CHOICES)
