/** The whole service in this process, from real files in a folder of its own, ended with the test. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HTTPMethods, InjectOptions, LightMyRequestResponse } from 'fastify'
import type { Test } from 'tap'
import { type App, type AppOverrides, buildApp } from '../../src/app.ts'
import { type Config, readConfig } from '../../src/config/config.ts'
import type { Environ } from '../../src/config/env.ts'
import type { Mode } from '../../src/core/principal.ts'
import { Sensitive } from '../../src/core/secret.ts'
import { createKeyring, type Keyring, newEncryptionKey } from '../../src/crypto/keyring.ts'
import { createSealer } from '../../src/crypto/sealer.ts'
import type { KeyRequest } from '../../src/keys/api-key.ts'
import { type LocalStore, putSecret } from '../../src/kinds/local/store.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { issueKey, randomSecret } from './keys.ts'

type Headers = Readonly<Record<string, string>>

/** Who asks with that key. */
export interface Client {
  readonly key: string
  readonly ask: (
    method: HTTPMethods,
    url: string,
    payload?: InjectOptions['payload'],
    headers?: Headers
  ) => Promise<LightMyRequestResponse>
  /** Asks for the secret of that reference. */
  readonly read: (ref: string, headers?: Headers) => Promise<LightMyRequestResponse>
}

export interface TestApp {
  readonly app: App
  readonly folder: string
  readonly keyring: Keyring
  readonly encryptionKey: string
  readonly internalSecret: string
  /** Every line of the log so far. */
  readonly logs: string[]
  /** Puts a secret into the local store of that name. */
  readonly seed: (store: string, path: string, text: string) => Promise<string>
  /** A client with a key of its own. */
  readonly as: (client: string, mode?: Mode, more?: Partial<KeyRequest>) => Promise<Client>
  readonly withKey: (key: string) => Client
  /** Reads the configuration anew with other settings or another file, and reloads. */
  readonly reload: (changes: { env?: Environ; yaml?: string }) => Promise<void>
}

export interface TestAppOptions {
  readonly yaml: string
  readonly env?: Environ
  readonly now?: () => number
  /** For credentials given as `{ env: NAME }`. */
  readonly environ?: Environ
  readonly overrides?: Pick<
    AppOverrides,
    | 'certificatesEveryMs'
    | 'directLine'
    | 'doctor'
    | 'fetch'
    | 'heartbeatMs'
    | 'observe'
    | 'signInCodes'
  >
}

export const buildTestApp = async (t: Test, options: TestAppOptions): Promise<TestApp> => {
  const folder = await mkdtemp(join(tmpdir(), 'purser-test-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const encryptionKey = options.env?.['ENCRYPTION_KEYS'] ?? newEncryptionKey()
  const internalSecret = randomSecret()
  let env: Environ = {
    ENVIRONMENT: 'dev',
    ENCRYPTION_KEYS: encryptionKey,
    INTERNAL_SECRET: internalSecret,
    LOG_LEVEL: 'trace',
    RATE_LIMIT_ENABLED: 'false',
    ...options.env
  }
  const read = async (yaml: string): Promise<Config> => {
    await writeFile(join(folder, 'purser.yaml'), yaml)
    return readConfig(env, folder)
  }
  const logs: string[] = []
  const app = await buildApp(await read(options.yaml), {
    logger: createLogger('trace', { write: (line) => void logs.push(line) }),
    environ: options.environ ?? {},
    ...(options.now && { now: options.now }),
    ...options.overrides
  })
  t.teardown(() => app.close())
  const keyring = createKeyring(encryptionKey.split(','))
  const sealer = createSealer(keyring)
  const localStore = (name: string): LocalStore => ({
    name,
    state: app.state,
    sealer: () => sealer,
    now: Date.now
  })
  const withKey = (key: string): Client => {
    // `inject` begins only once somebody waits for it.
    const ask: Client['ask'] = async (method, url, payload, headers) =>
      app.server.inject({
        method: method as 'GET',
        url,
        headers: { 'x-api-key': key, ...headers },
        ...(payload !== undefined && { payload })
      })
    const read: Client['read'] = (ref, headers) =>
      ask('GET', `/v1/secrets?ref=${encodeURIComponent(ref)}`, undefined, headers)
    return { key, ask, read }
  }
  let yaml = options.yaml
  return {
    app,
    folder,
    keyring,
    encryptionKey,
    internalSecret,
    logs,
    seed: async (store, path, text) =>
      (await putSecret(localStore(store), path, new Sensitive(text))).version,
    as: async (client, mode, more) =>
      withKey(await issueKey(keyring, client, mode, more, options.now?.())),
    withKey,
    reload: async (changes) => {
      env = { ...env, ...changes.env }
      yaml = changes.yaml ?? yaml
      await app.reload(await read(yaml))
    }
  }
}
