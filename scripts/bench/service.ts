/**
 * The service that scripts measure: with a seeded local store, keys that may read it, and limits that nobody reaches
 * unless the case is about them. The program measured is the one built below `root`: this one, or another version to
 * compare with.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { AwsCredentials } from '../../test/support/sigv4.ts'
import { beginNoChain } from './unchained.ts'

/** The folder of this version. */
export const HERE = fileURLToPath(new URL('../../..', import.meta.url))

const KEYS = 100
/** So that at 64 connections no channel has more calls under way than one may have. */
export const CHANNELS = 8
/** What the fake Direct Line takes. */
export const DIRECT_LINE_KEY = 'direct-line-key-of-the-bench'

export const URL_PATH = '/v1/secrets?ref=local:bench/database&field=password'

export interface ServiceOptions {
  readonly settings?: Readonly<Record<string, string>>
  /** How many secrets of 1 KB there are beside `bench/database`, `bench/many/0` and so on; 100 if absent. */
  readonly secrets?: number | undefined
  /** The address of a Vault for the store `kv`. */
  readonly kv?: string | undefined
  /** The address of a Direct Line for the channels `web0` and so on. */
  readonly directLine?: string | undefined
  /** What `doors:` has. */
  readonly doors?: readonly object[] | undefined
  /** The trail is written without its chain. */
  readonly isUnchained?: boolean | undefined
}

type Headers = Readonly<Record<string, string>>

export interface Ready {
  readonly origin: string
  /** Each a key of client `bench`. */
  readonly keys: readonly Headers[]
  /** A key that may read other secrets. */
  readonly stranger: Headers
  /** What a sibling service shows. */
  readonly sibling: Headers
  /** Of the last listener, where a door has one of its own. */
  readonly door?: string
  /** What a client of AWS has instead of the first key, where there is a door. */
  readonly aws?: AwsCredentials
}

const MANY_OF_A_BOT = [0, 1, 2, 3, 4]

/** `purser.yaml`, in that part of YAML which is JSON. */
const yamlOf = ({ kv, directLine, doors }: ServiceOptions): string => {
  const vault = {
    name: 'kv',
    kind: 'vault',
    address: kv,
    mounts: [{ path: 'secret', version: 2 }],
    auth: { method: 'token', token: { env: 'KV_TOKEN' } },
    quota: { perSecond: 1_000_000, burst: 1_000_000 }
  }
  const members = MANY_OF_A_BOT.map((n) => [`key${n}`, `local:bench/many/${n}`])
  const channels = Array.from({ length: directLine === undefined ? 0 : CHANNELS }, (_, n) => ({
    name: `web${n}`,
    secrets: ['local:bench/direct-line'],
    endpoint: directLine,
    trustedOrigins: []
  }))
  return JSON.stringify({
    stores: [{ name: 'local', kind: 'local' }, ...(kv === undefined ? [] : [vault])],
    secrets: { database: 'local:bench/database#password' },
    bots: [{ name: 'sample', credentialsSecrets: Object.fromEntries(members) }],
    policies: [
      {
        client: 'bench',
        read: ['local:bench/**', ...(kv === undefined ? [] : ['kv:**'])],
        write: ['local:bench/**'],
        bots: ['sample'],
        ...(channels.length > 0 && { channels: ['web*'] })
      },
      { client: 'stranger', read: ['local:elsewhere/**'] }
    ],
    ...(channels.length > 0 && { channels }),
    ...(doors !== undefined && { doors })
  })
}

/** Imported only where it is needed: former versions have none of it. */
const credentialsOf = async (
  encryptionKey: string,
  keyHeaders: Headers
): Promise<AwsCredentials> => {
  const { createKeyring } = await import('../../src/crypto/keyring.ts')
  const { signingCredentialsOf } = await import('../../src/crypto/sigv4-secret.ts')
  const { openApiKey } = await import('../../src/keys/api-key.ts')
  const sessionToken = keyHeaders['authorization']?.replace('Bearer ', '') ?? ''
  const keyring = createKeyring([encryptionKey])
  const { keyId = '' } = (await openApiKey(keyring, sessionToken)) ?? {}
  return { ...signingCredentialsOf(keyring.active, keyId), sessionToken }
}

/** The functions that are used of a build, this one or another. */
const programIn = async (root: string) => {
  const from = <T>(file: string): Promise<T> =>
    import(pathToFileURL(join(resolve(root), 'build/src', file)).href)
  const { buildApp } = await from<typeof import('../../src/app.ts')>('app.js')
  const { readConfig } = await from<typeof import('../../src/config/config.ts')>('config/config.js')
  const { createKeyring, newEncryptionKey } =
    await from<typeof import('../../src/crypto/keyring.ts')>('crypto/keyring.js')
  const { issueApiKey } = await from<typeof import('../../src/keys/api-key.ts')>('keys/api-key.js')
  return { buildApp, readConfig, createKeyring, newEncryptionKey, issueApiKey }
}

export const startPurser = async (
  root: string = HERE,
  options: ServiceOptions = {}
): Promise<Ready> => {
  const { buildApp, readConfig, createKeyring, newEncryptionKey, issueApiKey } =
    await programIn(root)
  const folder = await mkdtemp(join(tmpdir(), 'purser-bench-'))
  await writeFile(join(folder, 'purser.yaml'), yamlOf(options))
  const encryptionKey = newEncryptionKey()
  const internalSecret = newEncryptionKey()
  const env = {
    ENVIRONMENT: 'dev',
    ENCRYPTION_KEYS: encryptionKey,
    INTERNAL_SECRET: internalSecret,
    LOG_LEVEL: 'warn',
    RATE_LIMIT_MAX: '1000000000',
    RATE_LIMIT_IP_MAX: '1000000000',
    RATE_LIMIT_AUTH_FAILURES_MAX: '1000000000',
    ...options.settings
  }
  // OpenTelemetry's SDK looks for its settings there.
  Object.assign(process.env, options.settings)
  const environ = { KV_TOKEN: 'token-of-the-bench' }
  const app = await buildApp(await readConfig(env, folder), {
    environ,
    ...(options.isUnchained && { beginChain: beginNoChain })
  })
  const end = async (): Promise<void> => {
    await app.close()
    await rm(folder, { recursive: true, force: true })
    process.exit(0)
  }
  // The last one: the bench has gone.
  for (const sign of ['SIGTERM', 'SIGINT', 'disconnect']) process.once(sign, end)
  const keyFor = async (client: string): Promise<Headers> => {
    const claims = {
      client,
      scopes: ['aura-services:secrets', 'aura-services:bots', 'aura-services:token'],
      mode: 'rw',
      environment: 'dev',
      minimumVersion: '8.3.0'
    } as const
    const { apiKey } = await issueApiKey(createKeyring([encryptionKey]), claims, Date.now())
    return { authorization: `Bearer ${apiKey}` }
  }
  const origin = await app.server.listen({ host: '127.0.0.1', port: 0 })
  const keys = await Promise.all(Array.from({ length: KEYS }, () => keyFor('bench')))
  let written = 0
  // By all keys in turn, so that a case about their limit has most of it left.
  const put = async (path: string, payload: object): Promise<void> => {
    const headers = { ...keys[written++ % KEYS] }
    const url = `/v1/secrets?ref=local:bench/${path}`
    for (let attempt = 1; ; attempt++) {
      const { statusCode } = await app.server.inject({ method: 'PUT', url, headers, payload })
      if (statusCode < 300) return
      // Where the machine is too busy for Redis to answer within its second.
      const isAgain = statusCode === 503 && attempt < 5
      if (!isAgain) throw new Error(`writing ${path} was answered ${statusCode}`)
    }
  }
  await put('database', { data: { username: 'app', password: 'correct horse battery staple' } })
  await put('direct-line', { value: DIRECT_LINE_KEY })
  const { secrets = 100 } = options
  for (let n = 0; n < secrets; n++) await put(`many/${n}`, { value: `${n}`.padEnd(1024, 'x') })
  const sibling = { 'x-internal-secret': internalSecret }
  const last = app.listeners.at(-1)?.server
  const door = last === app.server ? undefined : await last?.listen({ host: '127.0.0.1', port: 0 })
  const ready = {
    origin,
    keys,
    stranger: await keyFor('stranger'),
    sibling,
    ...(door !== undefined && { door })
  }
  return options.doors === undefined
    ? ready
    : { ...ready, aws: await credentialsOf(encryptionKey, keys[0] ?? {}) }
}
