/**
 * Reads the settings from the environment and `./.env`. Rule: what the environment already holds wins; an empty value is
 * no value; every fault is collected before anything is refused.
 */
import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { ConfigError, type ConfigFault } from './fault.ts'
import { type SettingName, type Settings, settingNames, settingOf } from './settings.ts'

export type Environ = Readonly<Record<string, string | undefined>>

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT'

/** The environment over what `.env` in the folder says, and whether others than its owner can read that file. */
const withEnvFile = (environ: Environ, folder: string): { all: Environ; exposed: boolean } => {
  const path = resolve(folder, '.env')
  try {
    const exposed = (statSync(path).mode & 0o077) !== 0
    const fromFile = Object.entries(parseEnv(readFileSync(path, 'utf8')))
    const missing = fromFile.filter(([name]) => (environ[name] ?? '') === '')
    return { all: { ...environ, ...Object.fromEntries(missing) }, exposed }
  } catch (error) {
    if (isMissing(error)) return { all: environ, exposed: false }
    throw new ConfigError([{ place: '.env', message: 'cannot be read' }])
  }
}

/** The text of a setting: its own variable, or for a secret the first line of the file that `<NAME>_FILE` names. */
const textOf = (all: Environ, name: SettingName, folder: string): string | undefined => {
  const { secret, fallback } = settingOf(name)
  const direct = all[name] ?? ''
  const file = secret === true ? (all[`${name}_FILE`] ?? '') : ''
  if (direct !== '' && file !== '') throw new Error(`is given twice, here and as ${name}_FILE`)
  if (file === '') return direct === '' ? fallback : direct
  let content: string
  try {
    content = readFileSync(resolve(folder, file), 'utf8').replace(/\r?\n$/, '')
  } catch {
    throw new Error(`the file that ${name}_FILE names cannot be read`)
  }
  if (content === '') throw new Error(`the file that ${name}_FILE names is empty`)
  return content
}

const EXPOSED: ConfigFault = {
  place: '.env',
  message: 'can be read by others than its owner: chmod 600 .env'
}

/** Where nothing is allowed that is only fit for trying things out. */
export const isGuarded = ({ ENVIRONMENT }: Pick<Settings, 'ENVIRONMENT'>): boolean =>
  ENVIRONMENT === 'pre' || ENVIRONMENT === 'pro'

const together = (settings: Settings, exposed: boolean): ConfigFault[] => {
  const faults: ConfigFault[] = []
  const fault = (place: SettingName, message: string): number => faults.push({ place, message })
  if (exposed && isGuarded(settings)) faults.push(EXPOSED)
  if ((settings.INTERNAL_HOST === undefined) !== (settings.INTERNAL_PORT === undefined)) {
    fault('INTERNAL_PORT', 'INTERNAL_HOST and INTERNAL_PORT are given together or not at all')
  }
  if ((settings.TLS_CERT_FILE === undefined) !== (settings.TLS_KEY_FILE === undefined)) {
    fault('TLS_KEY_FILE', 'TLS_CERT_FILE and TLS_KEY_FILE are given together or not at all')
  }
  if (settings.TLS_CLIENT_CA_FILE !== undefined && settings.TLS_CERT_FILE === undefined) {
    fault('TLS_CLIENT_CA_FILE', 'needs TLS_CERT_FILE and TLS_KEY_FILE')
  }
  if (isGuarded(settings) && settings.CORS_ALLOW_ORIGINS?.includes('*')) {
    fault('CORS_ALLOW_ORIGINS', '* is refused in pre and pro')
  }
  if (
    settings.HASHICORP_VAULT_CONFIG !== undefined &&
    settings.HASHICORP_VAULT_CONFIG_FILE_PATH !== undefined
  ) {
    fault('HASHICORP_VAULT_CONFIG_FILE_PATH', 'is given beside HASHICORP_VAULT_CONFIG: take one')
  }
  const groups = [settings.ENCRYPTION_KEYS, settings.INTERNAL_SECRET, settings.JWT_SECRET ?? []]
  if (new Set(groups.flat()).size !== groups.flat().length) {
    fault('INTERNAL_SECRET', 'the same secret serves two settings: each needs its own')
  }
  return faults
}

/** The environment over what `.env` in the folder says: also what is no setting of ours, such as a store's credentials. */
export const readEnviron = (environ: Environ, folder: string): Environ =>
  withEnvFile(environ, folder).all

const readEach = (
  all: Environ,
  folder: string,
  names: readonly SettingName[]
): Partial<Record<SettingName, unknown>> => {
  const faults: ConfigFault[] = []
  const values: Partial<Record<SettingName, unknown>> = {}
  for (const name of names) {
    try {
      const value = textOf(all, name, folder)
      if (value !== undefined) values[name] = settingOf(name).parse(value)
      else if (settingOf(name).required) throw new Error('is required')
    } catch (error) {
      faults.push({ place: name, message: (error as Error).message })
    }
  }
  if (faults.length > 0) throw new ConfigError(faults)
  return values
}

/** Throws ConfigError with every fault. `folder` is where `.env` and relative paths are looked for. */
export const readSettings = (environ: Environ, folder: string): Settings => {
  const { all, exposed } = withEnvFile(environ, folder)
  const settings = readEach(all, folder, settingNames) as Settings
  const faults = together(settings, exposed)
  if (faults.length > 0) throw new ConfigError(faults)
  return Object.freeze(settings)
}

/** Only the settings named and ENVIRONMENT, for what runs without the rest. Throws ConfigError. */
export const readSomeSettings = <N extends SettingName>(
  environ: Environ,
  folder: string,
  names: readonly N[]
): Pick<Settings, N | 'ENVIRONMENT'> => {
  const { all, exposed } = withEnvFile(environ, folder)
  const settings = readEach(all, folder, ['ENVIRONMENT', ...names]) as Settings
  if (exposed && isGuarded(settings)) throw new ConfigError([EXPOSED])
  return settings
}

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

/** Whose settings the SDKs of the clouds read from the process itself. */
const OF_AN_SDK = /^(AWS|AZURE|GOOGLE|GCLOUD|KUBERNETES)_|^KUBECONFIG$/

/** The lines of `.env` that are meant for an SDK, as their users expect to find them there. */
export const sdkVariablesIn = (environ: Environ): Environ =>
  Object.fromEntries(Object.entries(environ).filter(([name]) => OF_AN_SDK.test(name)))
