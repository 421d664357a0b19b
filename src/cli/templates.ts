/** The `purser.yaml` that the wizard writes. Rule: it passes `purser config check` as it is, and explains itself. */

interface Stanza {
  readonly about: string
  readonly lines: readonly string[]
}

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
  vault: {
    about: 'HashiCorp Vault or OpenBao; VAULT_TOKEN is read from the environment or .env',
    lines: [
      '- name: vault',
      '  kind: vault',
      '  address: https://vault.internal:8200',
      '  mounts: [{ path: my-kv, version: 2 }]',
      '  auth: { method: token, token: { env: VAULT_TOKEN } }'
    ]
  }
}

const render = ({ about, lines }: Stanza, mark: string): string[] =>
  [`# ${about}`, ...lines.map((line) => `${mark}${line}`)].map((line) => `  ${line}`)

const DEMO_POLICY = ['  - client: demo', '    read: ["local:demo/*"]']
const EXAMPLE_POLICY = [
  '  # - client: [aos-app, kernel]',
  '  #   read: ["aws:acme-pro-{appcfg,dbcfg}/*", "vault:my-kv/db#password"]',
  '  #   write: []'
]

export const renderConfigFile = (kind: string, withDemo: boolean): string => {
  const active = STORE_STANZAS[kind]
  if (active === undefined) throw new Error('the kind has no stanza')
  const others = Object.values(STORE_STANZAS).filter((stanza) => stanza !== active)
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
