/**
 * The service that scripts measure: with a seeded local store, keys that may read it, and limits that nobody reaches
 * unless the case is about them. The program measured is the one built below `root`: this one, or another version to
 * compare with.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** The folder of this version. */
export const HERE = fileURLToPath(new URL('../..', import.meta.url))

/** How many secrets of 1 KB there are beside `bench/database`: `bench/many/0` and so on. */
export const MANY = 1_000
const KEYS = 100

const YAML = `
stores: [{ name: local, kind: local }]
secrets: { database: 'local:bench/database#password' }
bots:
  - name: sample
    credentialsSecrets: { ${[0, 1, 2, 3, 4].map((n) => `key${n}: 'local:bench/many/${n}'`).join(', ')} }
policies:
  - { client: bench, read: ['local:bench/**'], write: ['local:bench/**'], bots: [sample] }
  - { client: stranger, read: ['local:elsewhere/**'] }
`
export const URL_PATH = '/v1/secrets?ref=local:bench/database&field=password'

type Headers = Readonly<Record<string, string>>

export interface Ready {
  readonly origin: string
  /** Each a key of client `bench`. */
  readonly keys: readonly Headers[]
  /** A key that may read other secrets. */
  readonly stranger: Headers
}

/** The functions that are used of a build, this one or another. */
const programIn = async (root: string) => {
  const from = <T>(file: string): Promise<T> =>
    import(pathToFileURL(join(resolve(root), 'build/src', file)).href)
  const { buildApp } = await from<typeof import('../src/app.ts')>('app.js')
  const { readConfig } = await from<typeof import('../src/config/config.ts')>('config/config.js')
  const { createKeyring, newEncryptionKey } =
    await from<typeof import('../src/crypto/keyring.ts')>('crypto/keyring.js')
  const { issueApiKey } = await from<typeof import('../src/keys/api-key.ts')>('keys/api-key.js')
  return { buildApp, readConfig, createKeyring, newEncryptionKey, issueApiKey }
}

export const startPurser = async (
  root: string = HERE,
  settings: Readonly<Record<string, string>> = {}
): Promise<Ready> => {
  const { buildApp, readConfig, createKeyring, newEncryptionKey, issueApiKey } =
    await programIn(root)
  const folder = await mkdtemp(join(tmpdir(), 'purser-bench-'))
  await writeFile(join(folder, 'purser.yaml'), YAML)
  const encryptionKey = newEncryptionKey()
  const env = {
    ENVIRONMENT: 'dev',
    ENCRYPTION_KEYS: encryptionKey,
    INTERNAL_SECRET: newEncryptionKey(),
    LOG_LEVEL: 'warn',
    RATE_LIMIT_MAX: '1000000000',
    RATE_LIMIT_IP_MAX: '1000000000',
    RATE_LIMIT_AUTH_FAILURES_MAX: '1000000000',
    ...settings
  }
  const app = await buildApp(await readConfig(env, folder))
  process.once('SIGTERM', async () => {
    await app.close()
    await rm(folder, { recursive: true })
    process.exit(0)
  })
  const keyFor = async (client: string): Promise<Headers> => {
    const claims = {
      client,
      scopes: ['aura-services:secrets', 'aura-services:bots'],
      mode: 'rw',
      environment: 'dev',
      minimumVersion: '8.3.0'
    } as const
    const { apiKey } = await issueApiKey(createKeyring([encryptionKey]), claims, Date.now())
    return { authorization: `Bearer ${apiKey}` }
  }
  const origin = await app.server.listen({ host: '127.0.0.1', port: 0 })
  const keys = await Promise.all(Array.from({ length: KEYS }, () => keyFor('bench')))
  const put = (path: string, payload: object) =>
    app.server.inject({
      method: 'PUT',
      url: `/v1/secrets?ref=local:bench/${path}`,
      headers: { ...keys[0] },
      payload
    })
  await put('database', { data: { username: 'app', password: 'correct horse battery staple' } })
  for (let n = 0; n < MANY; n++) await put(`many/${n}`, { value: `${n}`.padEnd(1024, 'x') })
  return { origin, keys, stranger: await keyFor('stranger') }
}
