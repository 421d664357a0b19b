/**
 * The secrets of the soak and who may read them. Rule: every value names its store, path, version and field, so that
 * whoever sees one knows whether it was to be seen there.
 */

export const CLIENTS = ['team-a', 'team-b'] as const
export type Client = (typeof CLIENTS)[number]

/** Where a secret of a client stands, by store. `local` is kept in Redis; all others are peers at the wire. */
export const PATHS = {
  aws: (client: Client, name: string) => `${client}/${name}`,
  vault: (client: Client, name: string) => `kv/${client}/${name}`,
  cluster: (client: Client, name: string) => `${client}/${name}`,
  local: (client: Client, name: string) => `${client}/${name}`
} as const
export type StoreName = keyof typeof PATHS
export const STORES = Object.keys(PATHS) as StoreName[]

const EACH = 8
const FIELDS = ['password', 'user'] as const

export interface Secret {
  readonly store: StoreName
  readonly path: string
  readonly client: Client
  /** Canonical, without version and field. */
  readonly ref: string
}

export interface Catalog {
  readonly all: readonly Secret[]
  readonly of: (client: Client) => readonly Secret[]
  readonly at: (store: StoreName, path: string) => Secret | undefined
  readonly version: (ref: string) => number
  /** There is a newer version from now on. */
  readonly raise: (ref: string) => void
  /** What a store has of it now, and by which name the store calls that version. */
  readonly fieldsOf: (secret: Secret) => Readonly<Record<string, string>>
}

export interface Seen {
  readonly ref: string
  readonly version: number
  readonly field: string
}

const wordOf = ({ store, path }: Secret, version: number, field: string): string =>
  `seen!${store}!${path}!${version}!${field}!`

const WORD = /seen!([a-z]+)!([a-z0-9/-]+)!(\d+)!([a-z]+)!/g

/** All values in a text, whatever stands around them. */
export const valuesIn = (text: string): Seen[] =>
  [...text.matchAll(WORD)].map(([, store, path, version, field = '']) => ({
    ref: `${store}:${path}`,
    version: Number(version),
    field
  }))

/** By which name each store calls the n-th version. */
export const versionNames: Readonly<Record<StoreName, (version: number) => string>> = {
  aws: (n) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
  vault: (n) => String(n),
  cluster: (n) => String(1_000 + n),
  local: (n) => String(n)
}

export const createCatalog = (): Catalog => {
  const all = STORES.flatMap((store) =>
    CLIENTS.flatMap((client) =>
      Array.from({ length: EACH }, (_, n): Secret => {
        const path = PATHS[store](client, `s${n}`)
        return { store, path, client, ref: `${store}:${path}` }
      })
    )
  )
  const byRef = new Map(all.map((secret) => [secret.ref, secret]))
  const versions = new Map(all.map(({ ref }) => [ref, 1]))
  const version = (ref: string): number => versions.get(ref) ?? 0
  return {
    all,
    of: (client) => all.filter((secret) => secret.client === client),
    at: (store, path) => byRef.get(`${store}:${path}`),
    version,
    raise: (ref) => void versions.set(ref, version(ref) + 1),
    fieldsOf: (secret) =>
      Object.fromEntries(FIELDS.map((field) => [field, wordOf(secret, version(secret.ref), field)]))
  }
}

/** `purser.yaml`, where the peers listen. */
export const yamlFor = (peers: {
  readonly aws: string
  readonly vault: string
  readonly cluster: string
  readonly caFile: string
  readonly tokenFile: string
}): string => {
  const mine = (client: Client) => STORES.map((store) => `${store}:${PATHS[store](client, '*')}`)
  const bots = CLIENTS.map((client) => ({
    name: `bot-${client}`,
    credentialsSecrets: {
      first: `aws:${PATHS.aws(client, 's0')}#password`,
      second: `vault:${PATHS.vault(client, 's0')}#user`
    }
  }))
  const names = CLIENTS.map((client) => [
    `name-${client}`,
    `cluster:${PATHS.cluster(client, 's1')}#password`
  ])
  const auth = { method: 'token', server: peers.cluster, token: { file: peers.tokenFile } }
  return JSON.stringify({
    stores: [
      { name: 'aws', kind: 'aws-secrets-manager', region: 'eu-west-1', endpoint: peers.aws },
      {
        name: 'vault',
        kind: 'vault',
        address: peers.vault,
        mounts: [{ path: 'kv', version: 2 }],
        auth: { method: 'token', token: { env: 'VAULT_TOKEN' } }
      },
      {
        name: 'cluster',
        kind: 'kubernetes',
        namespaces: [...CLIENTS],
        auth: { ...auth, caCertFile: peers.caFile }
      },
      { name: 'local', kind: 'local' }
    ],
    policies: CLIENTS.map((client) => ({
      client,
      read: mine(client),
      bots: [`bot-${client}`]
    })),
    secrets: Object.fromEntries(names),
    bots
  })
}
