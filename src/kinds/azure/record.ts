/**
 * A secret between Purser and Azure: what it can be called, when it may be given out, what a write has to fit and to
 * keep. Rule: a secret that is disabled, expired or not yet valid is not given out, whatever the vault gives.
 */
import type { KeyVaultSecret } from '@azure/keyvault-secrets'
import { ProviderFault } from '../../core/fault.ts'
import { type Locator, type SecretRecord, Sensitive } from '../../core/secret.ts'

export const NAME = /^[0-9A-Za-z-]{1,127}$/
const VERSION = /^[0-9A-Za-z]{1,64}$/

/** What no secret and no version can be called does not exist; asking could only lead to another path of the vault. */
export const assertLocator = ({ path, version }: Locator): void => {
  if (!NAME.test(path) || (version !== undefined && !VERSION.test(version))) {
    throw new ProviderFault('not_found', { code: 'name' })
  }
}

export interface Validity {
  readonly enabled?: boolean | undefined
  readonly expiresOn?: Date | undefined
  readonly notBefore?: Date | undefined
}

/**
 * Why it is not given out, if it is not: the dates are for the vault's readers to heed. `now` in ms since the epoch.
 */
export const refusalOf = (
  { enabled, expiresOn, notBefore }: Validity,
  now: number
): string | undefined => {
  if (enabled === false) return 'secret_disabled'
  if (expiresOn !== undefined && expiresOn.getTime() <= now) return 'secret_expired'
  if (notBefore !== undefined && notBefore.getTime() > now) return 'secret_not_yet_valid'
  return undefined
}

export const toRecord = ({ value, properties }: KeyVaultSecret, now: number): SecretRecord => {
  const { version, tags = {} } = properties
  if (typeof value !== 'string' || !version) throw new ProviderFault('invalid_answer')
  const code = refusalOf(properties, now)
  if (code !== undefined) throw new ProviderFault('not_found', { code })
  return { text: new Sensitive(value), version, tags: new Map(Object.entries(tags)) }
}

/** https://learn.microsoft.com/azure/key-vault/secrets/about-secrets */
const LARGEST_TEXT_BYTES = 25_600

/** The text of a write, where Azure can hold it. Throws ProviderFault `invalid_request`. */
export const writable = (text: string): string => {
  if (Buffer.byteLength(text) <= LARGEST_TEXT_BYTES) return text
  throw new ProviderFault('invalid_request', { code: 'too_large' })
}

/** What a version hands on to the next. Not its dates: a new value is not as old as the one before it. */
export interface VersionMetadata {
  readonly tags?: Record<string, string>
  readonly contentType?: string
}

/** Throws ProviderFault `conflict` for a secret that is disabled, or that stands for a certificate. */
export const metadataOf = ({ properties }: KeyVaultSecret): VersionMetadata => {
  const { enabled, managed, tags, contentType } = properties
  if (enabled === false) throw new ProviderFault('conflict', { code: 'secret_disabled' })
  if (managed === true) throw new ProviderFault('conflict', { code: 'secret_managed' })
  return { ...(tags && { tags }), ...(contentType !== undefined && { contentType }) }
}
