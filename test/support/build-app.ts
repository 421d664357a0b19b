/** The whole service in this process, from real files in a folder of its own, ended with the test. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type App, type AppOverrides, buildApp } from '../../src/app.ts'
import { type Config, readConfig } from '../../src/config/config.ts'
import type { Environ } from '../../src/config/env.ts'
import { Sensitive } from '../../src/core/secret.ts'
import { createKeyring, type Keyring, newEncryptionKey } from '../../src/crypto/keyring.ts'
import { createSealer } from '../../src/crypto/sealer.ts'
import { type LocalStore, putSecret } from '../../src/kinds/local/store.ts'
import { createEmbeddedState } from '../../src/state/embedded.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { randomSecret } from './keys.ts'

export interface TestApp {
  readonly app: App
  readonly folder: string
  readonly keyring: Keyring
  readonly encryptionKey: string
  readonly internalSecret: string
  /** Every line of the log so far. */
  readonly logs: string[]
  /** Puts a secret into the embedded store of that name. */
  readonly seed: (store: string, path: string, text: string) => Promise<string>
  /** Reads the configuration anew with other settings or another file, and reloads. */
  readonly reload: (changes: { env?: Environ; yaml?: string }) => Promise<void>
}

export interface TestAppOptions {
  readonly yaml: string
  readonly env?: Environ
  readonly now?: () => number
  /** For credentials given as `{ env: NAME }`. */
  readonly environ?: Environ
  readonly overrides?: Pick<AppOverrides, 'directLine' | 'fetch' | 'heartbeatMs' | 'observe'>
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
  const seedState = createEmbeddedState(join(folder, 'data'))
  t.teardown(async () => {
    await app.close()
    await seedState.close()
  })
  const keyring = createKeyring(encryptionKey.split(','))
  const sealer = createSealer(keyring)
  const localStore = (name: string): LocalStore => ({
    name,
    state: seedState,
    sealer: () => sealer,
    now: Date.now
  })
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
    reload: async (changes) => {
      env = { ...env, ...changes.env }
      yaml = changes.yaml ?? yaml
      await app.reload(await read(yaml))
    }
  }
}
