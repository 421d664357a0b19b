/**
 * A secret between Purser and Google: what an answer makes of it, and which texts Google takes. Rule: a name in an
 * answer has the number of the project where we wrote its id, so only its end is of use.
 */
import type { protos } from '@google-cloud/secret-manager'
import { ProviderFault } from '../../core/fault.ts'
import { type SecretRecord, Sensitive } from '../../core/secret.ts'
import { asUtf8 } from '../../core/utf8.ts'
import type { Listing } from '../provider.ts'
import { crc32c } from './crc32c.ts'

type Protos = typeof protos.google.cloud.secretmanager.v1
/** The methods that we call, and what each answers. */
export interface Answers {
  readonly accessSecretVersion: InstanceType<Protos['AccessSecretVersionResponse']>
  readonly addSecretVersion: InstanceType<Protos['SecretVersion']>
  readonly getSecret: InstanceType<Protos['Secret']>
  readonly listSecrets: InstanceType<Protos['ListSecretsResponse']>
  readonly listSecretVersions: InstanceType<Protos['ListSecretVersionsResponse']>
  readonly testIamPermissions: { readonly permissions: readonly string[] }
}

const lastSegment = (name: string | null | undefined): string => name?.split('/').at(-1) ?? ''

const versionIn = ({ name }: { readonly name?: string | null }): string => {
  const version = lastSegment(name)
  if (!/^[1-9]\d*$/.test(version)) throw new ProviderFault('invalid_answer')
  return version
}

/** Throws ProviderFault `invalid_answer`. */
export const toRecord = (answer: Answers['accessSecretVersion']): SecretRecord => {
  const version = versionIn(answer)
  const { data, dataCrc32c } = answer.payload ?? {}
  // Google stores no empty payload, so none is part of a whole answer.
  if (!(data instanceof Uint8Array) || data.length === 0) throw new ProviderFault('invalid_answer')
  const checksum = dataCrc32c ?? undefined
  if (checksum !== undefined && String(checksum) !== String(crc32c(data))) {
    throw new ProviderFault('invalid_answer', { code: 'checksum' })
  }
  const text = asUtf8(data)
  if (text !== undefined) return { text: new Sensitive(text), version }
  const base64 = Buffer.from(data).toString('base64')
  return { text: new Sensitive(base64), version, encoding: 'base64' }
}

/** What a write has made. Throws ProviderFault `invalid_answer`. */
export const toWritten = (answer: Answers['addSecretVersion']): { readonly version: string } => ({
  version: versionIn(answer)
})

/**
 * The newest of the versions, as Google lists them; undefined if there is none. Throws ProviderFault `invalid_answer`.
 */
export const newestIn = ({ versions }: Answers['listSecretVersions']): string | undefined => {
  const [newest] = versions
  return newest && versionIn(newest)
}

const ID = /^[A-Za-z0-9_-]{1,255}$/

/** Throws ProviderFault `invalid_answer`. */
export const toListing = ({ secrets, nextPageToken }: Answers['listSecrets']): Listing => {
  const paths = secrets.map(({ name }) => lastSegment(name))
  if (!paths.every((path) => ID.test(path))) throw new ProviderFault('invalid_answer')
  return { paths, ...(nextPageToken !== '' && { cursor: nextPageToken }) }
}

/** https://cloud.google.com/secret-manager/quotas */
const LARGEST_TEXT_BYTES = 65_536

/**
 * The text of a write, where Google can hold it, and what it is to be checked by. Throws ProviderFault
 * `invalid_request`.
 */
export const payloadOf = (text: string) => {
  const data = Buffer.from(text)
  if (data.length === 0) throw new ProviderFault('invalid_request', { code: 'empty' })
  if (data.length > LARGEST_TEXT_BYTES) {
    throw new ProviderFault('invalid_request', { code: 'too_large' })
  }
  return { data, dataCrc32c: crc32c(data) }
}
