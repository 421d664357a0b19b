/** The `purser.yaml` that the wizard writes. Rule: it passes `purser config check` as it is, and explains itself. */
import { examples } from '../kinds/examples.ts'
import type { Example } from '../kinds/kind.ts'
import { exampleOf, VAULT_CHOICES, type VaultChoices } from '../kinds/vault/example.ts'

const EXAMPLES: Readonly<Record<string, Example>> = examples

const render = ({ about, lines }: Example, mark: string): string[] =>
  [`# ${about}`, ...lines.map((line) => `${mark}${line}`)].map((line) => `  ${line}`)

const DEMO_POLICY = [
  '  - client: demo',
  '    read: ["local:demo/*"]',
  '  # Whom `npm start` signs in at the console.',
  '  - client: operator',
  '    read: ["local:demo/*"]',
  '    write: ["local:demo/*"]'
]
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
  const known = EXAMPLES[kind]
  if (known === undefined) throw new Error('the kind has no stanza')
  const active = kind === 'vault' ? exampleOf(vault) : known
  const others = Object.values(EXAMPLES).filter((stanza) => stanza !== known)
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
    '# Whose own tokens are exchanged for short-lived keys, so that pods and CI jobs need to keep none (docs/login.md).',
    '# trusts:',
    '#   - name: prod-cluster',
    '#     kind: kubernetes',
    '#     issuer: https://oidc.example.com',
    '#     audience: purser',
    '#     bind: { namespace: shop, serviceAccount: cart }',
    '#     grant: { client: shop, scopes: ["aura-services:secrets"], mode: r, ttlSeconds: 900 }',
    '',
    '# Names for references, so that callers need not know where a secret lives.',
    ...(withDemo
      ? ['secrets:', '  greeting: local:demo/greeting#text']
      : ['secrets:', '  # smtp-password: vault:my-kv/smtp#password']),
    ''
  ].join('\n')
}
