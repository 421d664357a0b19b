/** All that a soak runs on: the peers, Redis, four replicas, the callers' keys, and what is known of each replica's Redis. */
import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import type { Mode } from '../../src/core/principal.ts'
import { Sensitive } from '../../src/core/secret.ts'
import { createKeyring, newEncryptionKey } from '../../src/crypto/keyring.ts'
import { createSealer } from '../../src/crypto/sealer.ts'
import { listRevoked } from '../../src/keys/revocations.ts'
import { putSecret } from '../../src/kinds/local/store.ts'
import { createRedisState } from '../../src/state/redis-state.ts'
import type { State } from '../../src/state/state.ts'
import { createDirectory } from '../../test/support/embedded.ts'
import { issueKey, randomSecret } from '../../test/support/keys.ts'
import { type Catalog, CLIENTS, type Client, createCatalog, yamlFor } from './catalog.ts'
import type { Ledger } from './ledger.ts'
import { type Links, watchLinks } from './links.ts'
import { type SoakRedis, startSoakRedis } from './redis.ts'
import { createReplica, type SoakReplica } from './replica.ts'
import { createKeys, type Keys } from './revocations.ts'
import { type Peers, startPeers, writeClusterFiles } from './stores.ts'

export const REPLICAS = 4
export const BLIND_SECONDS = 5

/** Issued so long ago that a clock which is an hour behind takes them. */
const ISSUED_MS = 3 * 3_600_000

export interface Callers {
  readonly read: Readonly<Record<Client, string>>
  readonly all: Readonly<Record<Client, string>>
  readonly admin: string
  /** Each refused for another reason. */
  readonly refused: readonly string[]
  /** Good, but not for secrets. */
  readonly otherScope: string
  readonly internalSecret: string
}

export interface World {
  readonly catalog: Catalog
  readonly peers: Peers
  readonly redis: SoakRedis
  readonly replicas: readonly SoakReplica[]
  readonly callers: Callers
  readonly keys: Keys
  readonly ledger: Ledger
  readonly yaml: string
  /** Of each replica, whether it has Redis. */
  readonly links: Links
  /** Ids of the keys that the present master knows as revoked. */
  readonly revokedInRedis: () => Promise<ReadonlySet<string>>
}

const issueCallers = async (encryptionKey: string, internalSecret: string): Promise<Callers> => {
  const keyring = createKeyring([encryptionKey])
  const now = Date.now() - ISSUED_MS
  const issue = (client: string, mode: Mode, more: object = {}) =>
    issueKey(keyring, client, mode, more, now)
  const each = async (mode: Mode, scopes: readonly string[]) => {
    const [a, b] = await Promise.all(CLIENTS.map((client) => issue(client, mode, { scopes })))
    return { 'team-a': a ?? '', 'team-b': b ?? '' }
  }
  const strange = createKeyring([newEncryptionKey()])
  return {
    read: await each('r', ['aura-services:secrets']),
    all: await each('rw', ['aura-services:secrets', 'aura-services:bots']),
    admin: await issue('operator', 'rw', {
      scopes: ['aura-admin', 'aura-services:secrets']
    }),
    refused: [
      'purser_dev_x',
      await issueKey(strange, 'team-a', 'rw', {}, now),
      await issue('team-a', 'rw', { environment: 'stg' }),
      await issue('team-a', 'rw', { lifetimeSeconds: 60 })
    ],
    otherScope: await issue('team-a', 'rw', { scopes: ['aura-services:state'] }),
    internalSecret
  }
}

const seedLocal = async (state: State, catalog: Catalog, encryptionKey: string): Promise<void> => {
  const sealer = createSealer(createKeyring([encryptionKey]))
  const store = { name: 'local', state, sealer: () => sealer, now: Date.now }
  for (const secret of catalog.all.filter(({ store }) => store === 'local')) {
    const text = JSON.stringify(catalog.fieldsOf(secret))
    await putSecret(store, secret.path, new Sensitive(text))
  }
}

/** The SDK's chain finds these, and nothing of this machine's own. */
const ENVIRON = {
  AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'x',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true'
}

/** Starts all of it, each replica until it listens. */
export const startWorld = async (t: Pick<Test, 'teardown'>, ledger: Ledger): Promise<World> => {
  const catalog = createCatalog()
  const peers = await startPeers(t, catalog)
  const redis = await startSoakRedis(t, REPLICAS)
  const [encryptionKey, internalSecret] = [newEncryptionKey(), randomSecret()]
  const keyring = createKeyring([encryptionKey])
  const stateOf = () =>
    createRedisState({
      address: redis.master().address,
      prefix: 'purser:',
      keyring: () => keyring
    })
  const withState = async <T>(work: (state: State) => Promise<T>): Promise<T> => {
    const state = stateOf()
    try {
      return await work(state)
    } finally {
      await state.close()
    }
  }
  await withState((state) => seedLocal(state, catalog, encryptionKey))
  const yaml = yamlFor({
    aws: peers.aws.url,
    vault: peers.vault.url,
    cluster: peers.cluster.url,
    ...writeClusterFiles(createDirectory(t), peers)
  })
  const replicas: SoakReplica[] = []
  for (const [index, network] of redis.networks.entries()) {
    const variables = {
      ENCRYPTION_KEYS: encryptionKey,
      INTERNAL_SECRET: internalSecret,
      REDIS_URL: `redis://127.0.0.1:${network.port}`,
      VAULT_TOKEN: `hvs.${randomUUID()}`,
      REVOCATION_BLIND_SECONDS: String(BLIND_SECONDS),
      CACHE_TTL_SECONDS: '5',
      CACHE_NEGATIVE_TTL_SECONDS: '1',
      CONNECTIONS_PER_ADDRESS: '4000',
      RATE_LIMIT_ENABLED: 'false',
      ALLOW_ADMIN_WRITE: 'true',
      LOG_LEVEL: 'warn'
    }
    replicas.push(await createReplica(t, { index, yaml, variables, environ: ENVIRON, ledger }))
  }
  await Promise.all(replicas.map(({ start }) => start()))
  return {
    catalog,
    peers,
    redis,
    replicas,
    callers: await issueCallers(encryptionKey, internalSecret),
    keys: createKeys(),
    ledger,
    yaml,
    links: watchLinks(t, replicas),
    revokedInRedis: () => withState(async (state) => new Set(await listRevoked(state)))
  }
}
