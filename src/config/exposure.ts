/**
 * Who else on this machine can read or change what is secret. Rule: in pre and pro a secret that everybody can change
 * is refused, one that everybody can read is warned of: orchestrators mount secrets readable to all, in a folder that
 * is not.
 */
import { readdirSync, realpathSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Config } from './config.ts'
import { type Environ, variablesOf } from './env.ts'
import type { ConfigFault } from './fault.ts'
import { type Settings, settingNames, settingOf } from './settings.ts'

const OTHERS = { read: 0o004, write: 0o002, enter: 0o001 } as const

/** Whether everybody may do that with the file, which a closed folder around it prevents. */
const isOpen = (path: string, to: 'read' | 'write'): boolean => {
  try {
    const there = realpathSync(path)
    const { mode } = statSync(there)
    return (mode & OTHERS[to]) !== 0 && (statSync(dirname(there)).mode & OTHERS.enter) !== 0
  } catch {
    return false
  }
}

interface SecretFile {
  readonly place: string
  readonly path: string
}

/** Files that hold secrets, by the settings that name them. */
export const secretFiles = (
  settings: Partial<Settings>,
  environ: Environ,
  folder: string
): SecretFile[] => {
  const named = settingNames
    .filter((name) => settingOf(name).secret === true)
    .flatMap((name) => variablesOf(name).filter((one) => one.endsWith('_FILE')))
    .map((name) => [name, environ[name] ?? ''] as const)
  const { TLS_KEY_FILE = '', REDIS_KEY_FILE = '' } = settings
  const { HASHICORP_VAULT_CONFIG_FILE_PATH = '' } = settings
  const more = { TLS_KEY_FILE, REDIS_KEY_FILE, HASHICORP_VAULT_CONFIG_FILE_PATH }
  return [...named, ...Object.entries(more)]
    .filter(([, file]) => file !== '')
    .map(([place, file]) => ({ place, path: resolve(folder, file) }))
}

export const CHANGEABLE = 'the file can be changed by everybody: chmod o-rwx'

export const writableFaults = (
  settings: Partial<Settings>,
  environ: Environ,
  folder: string
): ConfigFault[] =>
  secretFiles(settings, environ, folder)
    .filter(({ path }) => isOpen(path, 'write'))
    .map(({ place }) => ({ place, message: CHANGEABLE }))

const hasPlainCredentials = ({ bots, providers }: Config): boolean =>
  [...bots.values(), ...providers.values()].some(({ credentials }) =>
    [...credentials.values()].some((credential) => 'plain' in credential)
  )

/** Days of the audit trail that others than its owner can change, or everybody can read. */
const exposedDays = (dataDir: string): string[] => {
  const folder = join(dataDir, 'audit')
  try {
    return readdirSync(folder).filter(
      (name) =>
        name.endsWith('.jsonl') &&
        (isOpen(join(folder, name), 'read') || isOpen(join(folder, name), 'write'))
    )
  } catch {
    return []
  }
}

/** As sentences. */
export const exposureWarnings = (config: Config): string[] => {
  const { settings, environ, folder, placed, dataDir } = config
  const credentials = placed
    .filter(({ where, subject }) => where.file !== undefined && !subject.endsWith('File'))
    .map(({ place, where }) => ({ place, path: resolve(folder, where.file ?? '') }))
  const warnings = [...secretFiles(settings, environ, folder), ...credentials]
    .filter(({ path }) => isOpen(path, 'read') || isOpen(path, 'write'))
    .map(({ place }) => `${place}: the file can be read by everybody on this machine: chmod o-rwx`)
  const yaml = resolve(folder, settings.CONFIG_FILE)
  if (hasPlainCredentials(config) && isOpen(yaml, 'read')) {
    warnings.push(
      `CONFIG_FILE: holds credentials of bots and can be read by everybody on this machine: chmod o-rwx, or keep them in a store`
    )
  }
  const days = exposedDays(dataDir)
  if (days.length > 0) {
    const which =
      days.length > 3
        ? `${days.slice(0, 3).join(', ')} and ${days.length - 3} more`
        : days.join(', ')
    warnings.push(`DATA_DIR: the audit trail is open to everybody on this machine: ${which}`)
  }
  return warnings
}
