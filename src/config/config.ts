/** The whole configuration: settings and file, read together so that their faults are listed together. */
import { readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { pemOfFile } from '../core/file-text.ts'
import { type Environ, isGuarded, readSettings } from './env.ts'
import { ConfigError, type ConfigFault, whyUnread } from './fault.ts'
import { type FileConfig, readConfigFile } from './file.ts'
import { type Import, readImport } from './hashicorp.ts'
import { type SettingName, type Settings, settingNames, settingOf } from './settings.ts'

export interface Tls {
  /** PEM. */
  readonly cert: Buffer
  readonly key: Buffer
  /** If given, callers must present a certificate of this authority. */
  readonly clientCa?: Buffer
}

export interface Config extends FileConfig {
  readonly settings: Settings
  /** Beside the environment: what `{ env: … }` of an imported store finds. */
  readonly credentials: Import['credentials']
  /** Absolute. */
  readonly dataDir: string
  readonly tls: Tls | undefined
  /** Settings that are set to something but steer nothing in this version. */
  readonly withoutEffect: readonly SettingName[]
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

const readTls = (settings: Settings, folder: string): Tls | undefined => {
  const read = (name: 'TLS_CERT_FILE' | 'TLS_KEY_FILE' | 'TLS_CLIENT_CA_FILE'): Buffer => {
    try {
      return pemOfFile(readFileSync(resolve(folder, settings[name] ?? '')))
    } catch (error) {
      throw new ConfigError([{ place: name, message: `the file ${whyUnread(error)}` }])
    }
  }
  if (settings.TLS_CERT_FILE === undefined) return undefined
  return {
    cert: read('TLS_CERT_FILE'),
    key: read('TLS_KEY_FILE'),
    ...(settings.TLS_CLIENT_CA_FILE !== undefined && { clientCa: read('TLS_CLIENT_CA_FILE') })
  }
}

/** Where credentials given as `{ env: NAME }` are looked up. */
export const credentialsIn =
  ({ credentials }: Pick<Config, 'credentials'>, environ: Environ) =>
  (name: string): string | undefined =>
    credentials.get(name)?.reveal() ?? environ[name]

/** `folder` is where `.env` and relative paths are looked for. Throws ConfigError with every fault of both. */
export const readConfig = (environ: Environ, folder: string): Config => {
  const faults: ConfigFault[] = []
  const settings = orFaults(() => readSettings(environ, folder), faults)
  const path = settings?.CONFIG_FILE ?? environ['CONFIG_FILE'] ?? './purser.yaml'
  const imported = settings && orFaults(() => readImport(settings, folder), faults)
  const beside = settings && { guarded: isGuarded(settings), imported: imported?.stores ?? [] }
  const file = orFaults(() => readConfigFile(resolve(folder, path), basename(path), beside), faults)
  const tls = settings && orFaults(() => readTls(settings, folder), faults)
  if (!(settings && imported && file) || faults.length > 0) {
    throw new ConfigError(faults)
  }
  const withoutEffect = settingNames.filter((name) => {
    const { pending, fallback, parse } = settingOf(name)
    if (pending !== true || settings[name] === undefined) return false
    return fallback === undefined || String(settings[name]) !== String(parse(fallback))
  })
  return Object.freeze({
    ...file,
    settings,
    credentials: imported.credentials,
    dataDir: resolve(folder, settings.DATA_DIR),
    tls,
    withoutEffect
  })
}
