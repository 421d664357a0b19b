/** The whole configuration: settings and file, read together so that their faults are listed together. */
import type { KeyObject } from 'node:crypto'
import { resolve } from 'node:path'
import { textOfFile } from '../core/file-text.ts'
import type { ServerTls } from '../core/server-tls.ts'
import { readFileBytesSync } from '../files/read.ts'
import { readAuditor } from './auditor.ts'
import { listenersOf } from './doors.ts'
import { type Environ, readEnvFile, settingsIn } from './env.ts'
import { writableFaults } from './exposure.ts'
import { ConfigError, type ConfigFault } from './fault.ts'
import { type FileConfig, readConfigFile } from './file.ts'
import { type Import, readImport } from './hashicorp.ts'
import { misspelt, notesOn } from './names.ts'
import { type RedisPlace, readRedis } from './redis.ts'
import { clearAddresses } from './sdk-addresses.ts'
import { readServerTls } from './server-tls.ts'
import type { Settings } from './settings.ts'
import { faultsOfStart } from './start.ts'
import { storeContextOf } from './store.ts'
import { absentCredentials } from './stores.ts'
import { isGuarded } from './together.ts'
import { readTracing, type Tracing } from './tracing.ts'
import { absentFiles } from './trusts.ts'

export interface Config extends FileConfig {
  readonly settings: Settings
  /** Beside the environment: what `{ env: … }` of an imported store finds. */
  readonly credentials: Import['credentials']
  /** Absolute. */
  readonly dataDir: string
  readonly tls: ServerTls | undefined
  readonly redis: RedisPlace | undefined
  /** Undefined: no traces. */
  readonly tracing: Tracing | undefined
  /** Public key of AUDIT_AUDITOR_KEY_FILE. */
  readonly auditor: KeyObject | undefined
  /** As sentences: what was taken under another name, or steers nothing; credentials that a login would not find. */
  readonly notes: readonly string[]
  /** The environment as it was when the configuration was read, with what the file of settings adds. */
  readonly environ: Environ
  /** The folder against which relative paths are resolved. */
  readonly folder: string
}

const orFaults = <T>(read: () => T, faults: ConfigFault[]): T | undefined => {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    faults.push(...error.faults)
    return undefined
  }
}

/** What settings say of how a file of stores and policies is to be read. */
const contextOf = (settings: Partial<Settings>) => ({
  ...storeContextOf(settings),
  adminScope: settings.ADMIN_SCOPE,
  allowsClear: settings.ENVIRONMENT === 'dev'
})

/** The names that may be used by stores: of those of the file, or where it cannot be understood every word in it. */
const usedNames = (file: FileConfig | undefined, path: string): ReadonlySet<string> => {
  if (file !== undefined) return new Set(file.placed.flatMap(({ where }) => where.env ?? []))
  try {
    return new Set(textOfFile(readFileBytesSync(path)).match(/[A-Za-z_][\w.-]*/g))
  } catch {
    return new Set()
  }
}

/** Where credentials given as `{ env: NAME }` are looked up. */
export const credentialsIn =
  ({ credentials }: Pick<Config, 'credentials'>, environ: Environ) =>
  (name: string): string | undefined =>
    credentials.get(name)?.reveal() ?? environ[name]

/**
 * `folder` is where `.env` and relative paths are looked for. `toServe`: what only a start needs is looked at too.
 * Throws ConfigError with every fault.
 */
export const readConfig = (environ: Environ, folder: string, toServe = false): Config => {
  const envFile = readEnvFile(environ, folder)
  const { settings: read, faults: found } = settingsIn(envFile, folder)
  const faults: ConfigFault[] = [...found]
  const path = read.CONFIG_FILE ?? './purser.yaml'
  const imported = orFaults(() => readImport(read, folder), faults)
  const context = {
    imported: imported?.stores ?? [],
    ...contextOf(read),
    listeners: listenersOf(read),
    isIncomplete: imported === undefined
  }
  const inFile = resolve(folder, path)
  const label = path.replace(/^\.\//, '')
  const inspected = orFaults(
    () => readConfigFile(inFile, label, context, '; `purser init` writes one'),
    faults
  )
  faults.push(...(inspected?.faults ?? []))
  const file = inspected?.file
  const tls = orFaults(() => readServerTls(read, folder), faults)
  const redis = orFaults(() => readRedis(read, folder), faults)
  const auditor = orFaults(() => readAuditor(read, folder), faults)
  faults.push(...misspelt(envFile, usedNames(file, inFile)))
  if (toServe) faults.push(...faultsOfStart(tls, file?.placed ?? [], folder, read.DATA_DIR))
  faults.push(...clearAddresses(file?.stores ?? [], envFile.all))
  faults.push(...(isGuarded(read) ? writableFaults(read, envFile.all, folder) : []))
  const credentials = imported?.credentials ?? new Map()
  const { tracing, notes: ofTracing } = readTracing(envFile.all)
  const notes = [
    ...ofTracing,
    ...notesOn(envFile).map(({ place, message }) => `${place}: ${message}`),
    ...absentCredentials(file?.placed ?? [], credentialsIn({ credentials }, envFile.all), folder),
    ...absentFiles(file?.trusts ?? [], label, folder)
  ]
  if (!(imported && file) || faults.length > 0) throw new ConfigError(faults, notes)
  const settings = Object.freeze(read as Settings)
  return Object.freeze({
    ...file,
    settings,
    credentials,
    dataDir: resolve(folder, settings.DATA_DIR),
    tls,
    redis,
    tracing,
    auditor,
    notes,
    environ: envFile.all,
    folder
  })
}

/** Of the settings, what says how a file of stores and policies is to be read. */
export const OF_FILE = [
  'CONFIG_FILE',
  'ADMIN_SCOPE',
  'VAULT_NAMESPACE',
  'HASHICORP_VAULT_CONFIG',
  'HASHICORP_VAULT_CONFIG_FILE_PATH'
] as const

/** What a service with these settings would make of that file, were it its CONFIG_FILE. Throws ConfigError with every fault. */
export const readFileAs = (
  settings: Partial<Settings>,
  folder: string,
  path: string
): FileConfig => {
  const { stores: imported } = readImport(settings, folder)
  const context = { ...contextOf(settings), imported }
  const { file, faults } = readConfigFile(resolve(folder, path), path, context)
  if (faults.length > 0) throw new ConfigError(faults)
  return file
}
