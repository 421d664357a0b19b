/**
 * Which settings a reload takes over, and which of the others have changed since a start. Rule: what is remembered of a
 * start for a comparison is a digest of each setting, so that nobody keeps a secret for it.
 */
import { createHash } from 'node:crypto'
import { type SettingName, type Settings, settingNames } from './settings.ts'

/** The settings that a reload takes over. All others are used once, at the start. */
export const RELOADED: readonly SettingName[] = [
  'ENCRYPTION_KEYS',
  'INTERNAL_SECRET',
  'METRICS_TOKEN',
  'AUTHORIZE_SECRET',
  'JWT_SECRET',
  'CONFIG_FILE',
  'VAULT_NAMESPACE',
  'HASHICORP_VAULT_CONFIG',
  'HASHICORP_VAULT_CONFIG_FILE_PATH'
]

const FIXED = settingNames.filter((name) => !RELOADED.includes(name))

/** By the names of the settings that steer nothing before a restart. */
export type Fixed = Readonly<Partial<Record<SettingName, string>>>

const digestOf = (value: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify(value) ?? '')
    .digest('base64url')

export const fixedIn = (settings: Settings): Fixed =>
  Object.fromEntries(FIXED.map((name) => [name, digestOf(settings[name])]))

export const changedSince = (started: Fixed, settings: Settings): SettingName[] => {
  const now = fixedIn(settings)
  return FIXED.filter((name) => now[name] !== started[name])
}
