/** The `purser.yaml` that the wizard writes. Rule: it passes `purser config check` as it is, and explains itself. */

interface Stanza {
  readonly about: string
  readonly lines: readonly string[]
}

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

const vaultStanza = ({ address, login, name }: VaultChoices): Stanza => ({
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

/** What to write for a store of a kind, below `stores:`; values are examples to be replaced. */
export const STORE_STANZAS: Readonly<Record<string, Stanza>> = {
  local: {
    about: 'the store that Purser brings along, in DATA_DIR; discouraged in pre and pro',
    lines: ['- name: local', '  kind: local']
  },
  'aws-secrets-manager': {
    about: "credentials come from the SDK's default chain; ARNs of other accounts are refused",
    lines: [
      '- name: aws',
      '  kind: aws-secrets-manager',
      '  region: eu-west-1',
      '  accounts: ["123456789012"]'
    ]
  },
  'azure-key-vault': {
    about: 'one store a vault; credentials come from the default chain of the SDK',
    lines: [
      '- name: kv',
      '  kind: azure-key-vault',
      '  vaultUrl: https://keyvault-name.vault.azure.net'
    ]
  },
  'gcp-secret-manager': {
    about: 'one store a project and location; credentials are the application default ones',
    lines: ['- name: gcp', '  kind: gcp-secret-manager', '  project: my-project']
  },
  kubernetes: {
    about: 'secrets of these namespaces, read with the service account of the pod',
    lines: ['- name: cluster', '  kind: kubernetes', '  namespaces: [my-namespace]']
  },
  vault: vaultStanza(VAULT_CHOICES)
}

const render = ({ about, lines }: Stanza, mark: string): string[] =>
  [`# ${about}`, ...lines.map((line) => `${mark}${line}`)].map((line) => `  ${line}`)

const DEMO_POLICY = ['  - client: demo', '    read: ["local:demo/*"]']
const EXAMPLE_POLICY = [
  '  # - client: [aos-app, kernel]',
  '  #   read: ["aws:acme-pro-{appcfg,dbcfg}/*", "vault:my-kv/db#password"]',
  '  #   write: []'
]

export const renderConfigFile = (
  kind: string,
  withDemo: boolean,
  vault: VaultChoices = VAULT_CHOICES
): string => {
  const known = STORE_STANZAS[kind]
  if (known === undefined) throw new Error('the kind has no stanza')
  const active = kind === 'vault' ? vaultStanza(vault) : known
  const others = Object.values(STORE_STANZAS).filter((stanza) => stanza !== known)
  return [
    '# What Purser reads and for whom. `purser config check` validates it; SIGHUP makes a running service take it over.',
    '# It holds no secret: credentials of stores come from the environment or from files.',
    '',
    "# Where secrets are kept. References and policies begin with a store's name. A member such as",
    '# requireTags: { purser-read: "true" } lets only secrets be read that are so tagged in their cloud.',
    'stores:',
    ...render(active, ''),
    ...others.flatMap((stanza) => render(stanza, '# ')),
    '',
    '# What each client may read and write; a client is whom an API key was issued to. Whatever no rule allows is denied.',
    '# A pattern is <store>:<path>: * stays inside a segment, ** crosses them, {a,b} are alternatives, #field allows that',
    '# field alone.',
    ...(withDemo
      ? ['policies:', ...DEMO_POLICY, ...EXAMPLE_POLICY]
      : ['policies:', ...EXAMPLE_POLICY]),
    '',
    '# Names for references, so that callers need not know where a secret lives.',
    ...(withDemo
      ? ['secrets:', '  greeting: local:demo/greeting#text']
      : ['secrets:', '  # smtp-password: vault:my-kv/smtp#password']),
    ''
  ].join('\n')
}
