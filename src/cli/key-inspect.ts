/**
 * `purser key inspect`: what a key says, and whether the service whose settings stand here would refuse it. Rule: the
 * key comes in by a file or standard input, never by the command line; a service need not run.
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import isGreater from 'semver/functions/gt.js'
import { readEnviron, readSomeSettings } from '../config/env.ts'
import type { Settings } from '../config/settings.ts'
import type { Principal } from '../core/principal.ts'
import { createKeyring } from '../crypto/keyring.ts'
import { openApiKey } from '../keys/api-key.ts'
import { isWithinLifetime } from '../keys/checks.ts'
import { toClaims } from '../keys/claims.ts'
import { createLineage } from '../keys/lineage.ts'
import { entryKeyOf, issuedBy } from '../keys/revocations.ts'
import { CommandFailure, usageFailure } from './failure.ts'
import { print, readInput, tell } from './io.ts'
import { hasState, PLACE, type PlaceSettings } from './key-revoke.ts'
import { LaterState, withState } from './state.ts'

/** Whether the text is a key rather than a file's name: a key is long and begins with its environment. */
const looksLikeKey = (text: string): boolean => /purser_(dev|stg|pre|pro)_|eyJ/.test(text)

/**
 * Whether the key is revoked, itself or with all that an ancestor issued. Where that cannot be known: false, and a note
 * on stderr.
 */
const isRevokedIn = async (place: PlaceSettings, principal: Principal): Promise<boolean> => {
  if (!hasState(place)) return false
  try {
    return await withState({ ...place, ENCRYPTION_KEYS: [] }, async ({ state }) => {
      const { ancestorsOf } = createLineage(state)
      const via = await ancestorsOf(principal)
      const names = [principal.keyId, ...via.map(issuedBy)]
      const found = await Promise.all(names.map((name) => state.get(entryKeyOf(name))))
      return found.some((entry) => entry !== undefined)
    })
  } catch (error) {
    if (error instanceof LaterState) throw error
    tell('Note: revocations could not be looked up.')
    return false
  }
}

/** Why the service whose settings stand here would refuse the key; where none stands, only time is known. */
const refusalsOf = async (
  principal: Principal,
  settings: PlaceSettings & Pick<Settings, 'ENVIRONMENT' | 'PLATFORM_VERSION' | 'CONFIG_FILE'>,
  now: number
): Promise<string[]> => {
  const environ = readEnviron(process.env, process.cwd())
  const isService =
    ['ENVIRONMENT', 'PLATFORM_VERSION'].some((name) => (environ[name] ?? '') !== '') ||
    existsSync(resolve(settings.CONFIG_FILE))
  const refusals: string[] = []
  if (!isWithinLifetime(principal, now)) refusals.push('time')
  if (isService && principal.environment !== settings.ENVIRONMENT) refusals.push('environment')
  if (isService && isGreater(principal.minimumVersion, settings.PLATFORM_VERSION)) {
    refusals.push('version')
  }
  if (await isRevokedIn(settings, principal)) refusals.push('revocation')
  if (refusals.includes('environment')) {
    tell(`Note: ENVIRONMENT is ${settings.ENVIRONMENT} here, where the key is refused.`)
  }
  if (refusals.includes('version')) {
    tell(`Note: PLATFORM_VERSION is ${settings.PLATFORM_VERSION} here, where the key is refused.`)
  }
  return refusals
}

export const inspect = async (file: string | undefined): Promise<void> => {
  if (file !== undefined && looksLikeKey(file)) {
    throw usageFailure(
      'A key on the command line can be read by every user of this machine and stays in the history of the shell: pipe it in.'
    )
  }
  const names = ['ENCRYPTION_KEYS', 'PLATFORM_VERSION', 'CONFIG_FILE', ...PLACE] as const
  const settings = readSomeSettings(process.env, process.cwd(), names)
  const apiKey = (await readInput('the key', file)).trim()
  const principal = await openApiKey(createKeyring(settings.ENCRYPTION_KEYS), apiKey)
  if (principal === undefined) {
    throw new CommandFailure(
      'The key cannot be opened: damaged, or issued under another encryption key.'
    )
  }
  const now = Date.now()
  const { expiresAt = Number.POSITIVE_INFINITY, kid } = principal
  const refusedFor = await refusalsOf(principal, settings, now)
  const expired = expiresAt * 1000 <= now
  await print(
    JSON.stringify(
      { ...toClaims(principal), kid, inForce: refusedFor.length === 0, expired, refusedFor },
      null,
      2
    )
  )
}
