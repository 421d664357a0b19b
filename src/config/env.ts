/**
 * Reads the settings from the environment and from `.env`, or the file that ENV_FILE names. Rule: what the environment
 * already holds wins; an empty value is no value; every fault is collected before anything is refused.
 */
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { textOfFile, wordOfFile } from '../core/file-text.ts'
import { mayBePrivate } from '../core/network.ts'
import { covers } from '../core/scope.ts'
import { readFileBytesSync } from '../files/read.ts'
import { type EnvLine, parseDotenv } from './dotenv.ts'
import { ConfigError, type ConfigFault, whyUnread } from './fault.ts'
import { type SettingName, type Settings, settingNames, settingOf } from './settings.ts'

export type Environ = Readonly<Record<string, string | undefined>>

export interface EnvFile {
  /** Absolute. */
  readonly path: string
  /** What faults call it. */
  readonly label: string
  /** The environment over what the file says. */
  readonly all: Environ
  readonly lines: readonly EnvLine[]
  readonly faults: readonly ConfigFault[]
  /** Others than its owner can read it. */
  readonly exposed: boolean
}

/** Where the file stands, whether it is there or not. */
export const envFilePlace = (environ: Environ, folder: string) => {
  const named = environ['ENV_FILE'] ?? ''
  const label = named === '' ? '.env' : named
  return { label, path: resolve(folder, label), isNamed: named !== '' }
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT'

/** Never throws: what is wrong with the file is among its faults. */
export const readEnvFile = (environ: Environ, folder: string): EnvFile => {
  const { path, label, isNamed } = envFilePlace(environ, folder)
  try {
    const exposed = (statSync(path).mode & 0o077) !== 0
    const { lines, faults } = parseDotenv(textOfFile(readFileBytesSync(path)), label)
    const missing = lines.filter(
      ({ name, value }) => value !== '' && (environ[name] ?? '') === '' && name !== 'ENV_FILE'
    )
    const fromFile = Object.fromEntries(missing.map(({ name, value }) => [name, value]))
    return { path, label, all: { ...environ, ...fromFile }, lines, faults, exposed }
  } catch (error) {
    const absent = isMissing(error)
    const message = absent
      ? 'is named by ENV_FILE or --env-file and is not there'
      : whyUnread(error)
    const faults = absent && !isNamed ? [] : [{ place: label, message }]
    return { path, label, all: environ, lines: [], faults, exposed: false }
  }
}

/** The names that a setting can be given by, its own first. */
export const variablesOf = (name: SettingName): string[] => {
  const { secret, aliases = [] } = settingOf(name)
  return [name, ...aliases].flatMap((one) => (secret === true ? [one, `${one}_FILE`] : [one]))
}

/** The text of a setting: its own variable, or for a secret what stands in the file that `<NAME>_FILE` names. */
const textOf = (all: Environ, name: SettingName, folder: string): string | undefined => {
  const [given, other] = variablesOf(name).filter((one) => (all[one] ?? '') !== '')
  if (given === undefined) return settingOf(name).fallback
  if (other !== undefined) throw new Error(`is given twice, as ${given} and as ${other}`)
  const value = all[given] ?? ''
  const { secret, aliases = [] } = settingOf(name)
  if (secret !== true || given === name || aliases.includes(given)) return value
  let content: string
  try {
    content = wordOfFile(readFileBytesSync(resolve(folder, value)))
  } catch (error) {
    throw new Error(`the file that ${given} names ${whyUnread(error)}`)
  }
  if (content === '') throw new Error(`the file that ${given} names is empty`)
  return content
}

const exposedFault = ({ label }: EnvFile): ConfigFault => ({
  place: label,
  message: `can be read by others than its owner: chmod 600 ${label}`
})

/** Where nothing is allowed that is only fit for trying things out. */
export const isGuarded = ({ ENVIRONMENT }: Partial<Pick<Settings, 'ENVIRONMENT'>>): boolean =>
  ENVIRONMENT === 'pre' || ENVIRONMENT === 'pro'

/** What is said of a secret that stands in two settings. */
export const REUSED = 'the same secret serves two settings: each needs its own'

const ofAudit = (
  { AUDIT_REQUIRED, AUDIT_SINKS, REDIS_URL }: Partial<Settings>,
  isUnknown: (name: SettingName) => boolean
): ConfigFault[] => {
  if (AUDIT_SINKS === undefined) return []
  const place = 'AUDIT_SINKS'
  const faults: ConfigFault[] = []
  if (AUDIT_REQUIRED && AUDIT_SINKS.every(({ isRequired }) => !isRequired)) {
    const message = 'requires none, but AUDIT_REQUIRED is true: put ! behind one, as in file!'
    faults.push({ place, message })
  }
  const hasRedis = AUDIT_SINKS.some(({ name }) => name === 'redis')
  if (hasRedis && REDIS_URL === undefined && !isUnknown('REDIS_URL')) {
    faults.push({ place, message: 'has redis, which needs REDIS_URL' })
  }
  return faults
}

const PAIRS = [
  ['INTERNAL_PORT', 'INTERNAL_HOST'],
  ['TLS_KEY_FILE', 'TLS_CERT_FILE'],
  ['REDIS_KEY_FILE', 'REDIS_CERT_FILE']
] as const

/**
 * What settings have to be to each other. Unknown is one that was not asked for, or that is at fault itself and was told
 * already: nothing is said of its absence.
 */
const together = (
  settings: Partial<Settings>,
  isUnknown: (name: SettingName) => boolean
): ConfigFault[] => {
  const faults = ofAudit(settings, isUnknown)
  const fault = (place: SettingName, message: string): number => faults.push({ place, message })
  for (const [key, other] of PAIRS) {
    if (isUnknown(key) || isUnknown(other)) continue
    if ((settings[key] === undefined) === (settings[other] === undefined)) continue
    fault(key, `${other} and ${key} are given together or not at all`)
  }
  const { TLS_CLIENT_CA_FILE, TLS_CERT_FILE } = settings
  if (
    TLS_CLIENT_CA_FILE !== undefined &&
    TLS_CERT_FILE === undefined &&
    !isUnknown('TLS_CERT_FILE')
  ) {
    fault('TLS_CLIENT_CA_FILE', 'needs TLS_CERT_FILE and TLS_KEY_FILE')
  }
  const { REDIS_URL, WORKERS = 1, CONNECTIONS_PER_ADDRESS = WORKERS } = settings
  if (WORKERS > 1 && REDIS_URL === undefined && !isUnknown('REDIS_URL')) {
    fault(
      'WORKERS',
      'more than 1 needs REDIS_URL, by which processes share limits, revocations and invalidations'
    )
  }
  if (CONNECTIONS_PER_ADDRESS < WORKERS) {
    fault('CONNECTIONS_PER_ADDRESS', 'is divided among WORKERS, and so is no less than these')
  }
  const network = REDIS_URL?.kind === 'socket' ? undefined : REDIS_URL
  for (const name of ['REDIS_CA_FILE', 'REDIS_CERT_FILE'] as const) {
    if (settings[name] === undefined || network?.tls || isUnknown('REDIS_URL')) continue
    fault(name, 'needs a REDIS_URL with TLS: rediss://, rediss+sentinel:// or rediss+cluster://')
  }
  if (isGuarded(settings) && settings.CORS_ALLOW_ORIGINS?.includes('*')) {
    fault('CORS_ALLOW_ORIGINS', '* is refused in pre and pro')
  }
  const { SCOPE_ROOT, ADMIN_SCOPE } = settings
  if (SCOPE_ROOT !== undefined && ADMIN_SCOPE !== undefined) {
    // Otherwise each caller could administer, or each administrator read secrets.
    if (covers(SCOPE_ROOT, ADMIN_SCOPE) || covers(ADMIN_SCOPE, SCOPE_ROOT)) {
      fault('ADMIN_SCOPE', 'and SCOPE_ROOT stand apart: neither is the other, or below it')
    }
  }
  const mayBeClosed = network?.nodes.every(({ host }) => mayBePrivate(host)) ?? true
  if (isGuarded(settings) && network?.tls === false && !mayBeClosed) {
    fault('REDIS_URL', 'leads to a public address without TLS: pre and pro take rediss: there')
  }
  if (
    settings.HASHICORP_VAULT_CONFIG !== undefined &&
    settings.HASHICORP_VAULT_CONFIG_FILE_PATH !== undefined
  ) {
    fault('HASHICORP_VAULT_CONFIG_FILE_PATH', 'is given beside HASHICORP_VAULT_CONFIG: take one')
  }
  const {
    ENCRYPTION_KEYS = [],
    INTERNAL_SECRET = [],
    METRICS_TOKEN = [],
    JWT_SECRET = []
  } = settings
  const groups = [ENCRYPTION_KEYS, INTERNAL_SECRET, METRICS_TOKEN, JWT_SECRET]
  if (new Set(groups.flat()).size !== groups.flat().length) {
    fault('INTERNAL_SECRET', REUSED)
  }
  return faults
}

/**
 * The environment over what the file says: also what is no setting of ours, such as a store's credentials. Throws
 * ConfigError.
 */
export const readEnviron = (environ: Environ, folder: string): Environ => {
  const { all, faults } = readEnvFile(environ, folder)
  if (faults.length > 0) throw new ConfigError(faults)
  return all
}

export interface SettingsRead {
  /** Those that are at fault are absent. */
  readonly settings: Partial<Settings>
  readonly faults: readonly ConfigFault[]
}

/** What the settings say, and all that is wrong with them and with the file; nothing of those that are not named. */
export const settingsIn = (
  file: EnvFile,
  folder: string,
  names: readonly SettingName[] = settingNames
): SettingsRead => {
  const faults: ConfigFault[] = [...file.faults]
  const values: Partial<Record<SettingName, unknown>> = {}
  for (const name of names) {
    try {
      const value = textOf(file.all, name, folder)
      if (value !== undefined) values[name] = settingOf(name).parse(value)
      else if (settingOf(name).required) throw new Error('is required')
    } catch (error) {
      faults.push({ place: name, message: (error as Error).message })
    }
  }
  const settings = values as Partial<Settings>
  if (file.exposed && isGuarded(settings)) faults.push(exposedFault(file))
  const isUnknown = (name: SettingName): boolean =>
    !names.includes(name) || faults.some(({ place }) => place === name)
  return { settings, faults: [...faults, ...together(settings, isUnknown)] }
}

const orThrow = ({ settings, faults }: SettingsRead): Settings => {
  if (faults.length > 0) throw new ConfigError(faults)
  return Object.freeze(settings as Settings)
}

/** Throws ConfigError with every fault. `folder` is where `.env` and relative paths are looked for. */
export const readSettings = (environ: Environ, folder: string): Settings =>
  orThrow(settingsIn(readEnvFile(environ, folder), folder))

/** Only the settings named and ENVIRONMENT, for what runs without the rest. Throws ConfigError. */
export const readSomeSettings = <N extends SettingName>(
  environ: Environ,
  folder: string,
  names: readonly N[]
): Pick<Settings, N | 'ENVIRONMENT'> =>
  orThrow(settingsIn(readEnvFile(environ, folder), folder, ['ENVIRONMENT', ...names]))

/** The text of an `.env`: every setting with a line of comment; `values` fill it, the rest keep their defaults. */
export const renderEnv = (heading: string, values: Partial<Record<SettingName, string>>): string =>
  `${[
    `# ${heading}`,
    ...settingNames.flatMap((name) => {
      const { about, required, secret, pending, fallback } = settingOf(name)
      const notes = [
        required && 'required',
        secret && `or ${name}_FILE`,
        pending && 'no effect in this version yet'
      ].filter((note) => typeof note === 'string')
      const comment = notes.length > 0 ? `${about} (${notes.join('; ')})` : about
      return ['', `# ${comment}`, `${name}=${values[name] ?? fallback ?? ''}`]
    })
  ].join('\n')}\n`
