/**
 * Reads the settings from the environment and from `.env`, or the file that ENV_FILE names. Rule: what the environment
 * already holds wins; an empty value is no value; every fault is collected before anything is refused.
 */
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { textOfFile, wordOfFile } from '../core/file-text.ts'
import { readFileBytesSync } from '../files/read.ts'
import { type EnvLine, parseDotenv } from './dotenv.ts'
import { ConfigError, type ConfigFault, whyUnread } from './fault.ts'
import { type SettingName, type Settings, settingNames, settingOf } from './settings.ts'
import { isGuarded, together } from './together.ts'

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
      const { about, required, secret, fallback } = settingOf(name)
      const notes = [required && 'required', secret && `or ${name}_FILE`].filter(
        (note) => typeof note === 'string'
      )
      const comment = notes.length > 0 ? `${about} (${notes.join('; ')})` : about
      return ['', `# ${comment}`, `${name}=${values[name] ?? fallback ?? ''}`]
    })
  ].join('\n')}\n`
