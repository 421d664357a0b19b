/**
 * A secret between Purser and AWS: how a locator asks for it, what an answer makes of it, and which texts AWS takes.
 */
import { ProviderFault } from '../../core/fault.ts'
import { type Locator, type SecretRecord, Sensitive } from '../../core/secret.ts'
import { asUtf8 } from '../../core/utf8.ts'
import type { Spellings } from '../kind.ts'

/** What GetSecretValue answers, and BatchGetSecretValue of each secret. */
export interface SecretValue {
  readonly ARN?: string | undefined
  readonly Name?: string | undefined
  readonly VersionId?: string | undefined
  readonly SecretString?: string | undefined
  readonly SecretBinary?: Uint8Array | undefined
}

/**
 * What AWS appends to the name in an ARN.
 * https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html
 */
const SUFFIX = /-[A-Za-z0-9]{6}$/

/**
 * A secret's name is exactly that, also where it ends like an ARN. An ARN may be complete or partial, which only AWS
 * can tell: so its secret has its whole path for a name, or that without a suffix. Two complete ARNs are two secrets.
 */
export const spellingsOf = ({ path, nativeId }: Locator): Spellings => {
  if (nativeId === undefined)
    return { told: [`name ${path}`], heard: [`name ${path}`, `has ${path}`] }
  const name = path.replace(SUFFIX, '')
  const partial = nativeId.replace(SUFFIX, '')
  return {
    told: [`has ${path}`, `has ${name}`, `arn ${nativeId}`, `completes ${partial}`],
    heard: [
      `name ${path}`,
      `name ${name}`,
      `arn ${nativeId}`,
      `arn ${partial}`,
      `completes ${nativeId}`
    ]
  }
}

/** A secret goes by its name, or by the ARN that the caller wrote. */
export const secretIdOf = ({ path, nativeId }: Locator): string => nativeId ?? path

const VERSION_ID = /^[A-Za-z0-9-]{32,64}$/

/** A version is the id that AWS gave it; whatever does not look like one is a staging label, such as AWSPREVIOUS. */
export const requestFor = (locator: Locator) => {
  const { version } = locator
  return {
    SecretId: secretIdOf(locator),
    ...(version !== undefined &&
      (VERSION_ID.test(version) ? { VersionId: version } : { VersionStage: version }))
  }
}

/** Throws ProviderFault `invalid_answer`. */
export const toRecord = (answer: SecretValue): SecretRecord => {
  const { SecretString, SecretBinary, VersionId: version } = answer
  const text = SecretString ?? (SecretBinary && asUtf8(SecretBinary))
  if (typeof version !== 'string') throw new ProviderFault('invalid_answer')
  if (typeof text === 'string') return { text: new Sensitive(text), version }
  if (SecretBinary === undefined) throw new ProviderFault('invalid_answer')
  const base64 = Buffer.from(SecretBinary).toString('base64')
  return { text: new Sensitive(base64), version, encoding: 'base64' }
}

/** https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html */
const LARGEST_TEXT_BYTES = 65_536

/** The text of a write, where AWS can hold it. Throws ProviderFault `invalid_request`. */
export const writable = (text: string): string => {
  const bytes = Buffer.byteLength(text)
  if (bytes === 0) throw new ProviderFault('invalid_request', { code: 'empty' })
  if (bytes > LARGEST_TEXT_BYTES) throw new ProviderFault('invalid_request', { code: 'too_large' })
  return text
}
