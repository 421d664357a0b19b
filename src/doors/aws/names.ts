/**
 * ARNs and version ids for secrets of stores that have none. Rule: both follow from the name and the version by a keyed hash,
 * so that nothing is kept, every replica says the same, and nobody can tell from them what else there is. Whatever encryption
 * key of the ring they were made under, they are understood.
 */
import { createHmac } from 'node:crypto'
import type { EncryptionKey, Keyring } from '../../crypto/keyring.ts'
import { lengthPrefixed } from '../../crypto/length-prefixed.ts'
import { isSameText } from '../../crypto/same.ts'

/** An account that AWS gives to nobody. */
export const ACCOUNT = '000000000000'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const SUFFIX_LENGTH = 6

const hash = ({ keyFor }: EncryptionKey, words: readonly string[]): Buffer =>
  createHmac('sha256', keyFor('fingerprint')).update(lengthPrefixed(words)).digest()

/** The six characters that an ARN has behind the name. */
const suffixOf = (key: EncryptionKey, place: string, name: string): string =>
  [...hash(key, ['aws-arn', place, name]).subarray(0, SUFFIX_LENGTH)]
    .map((byte) => ALPHABET[byte % ALPHABET.length])
    .join('')

/** `place`: where the door's names are looked up. */
export const arnOf = (keyring: Keyring, place: string, region: string, name: string): string =>
  `arn:aws:secretsmanager:${region}:${ACCOUNT}:secret:${name}-${suffixOf(keyring.active, place, name)}`

const ARN = /^arn:aws[a-z-]{0,20}:secretsmanager:[a-z0-9-]{1,32}:(\d{12}):secret:([\s\S]+)$/
/** A reference could have more behind it: `#field`. */
const AWS_NAME = /^[A-Za-z0-9/_+=.@!-]+$/
const SUFFIXED = new RegExp(`^([\\s\\S]+)-([A-Za-z0-9]{${SUFFIX_LENGTH}})$`)

export type SecretId =
  | { readonly name: string }
  /** Of a secret that AWS itself has: the text is a reference by itself. */
  | { readonly arn: string }

/**
 * A SecretId: a name, or an ARN of ours with its suffix or without. A name stays as it is, whatever it ends in; and of an ARN
 * nothing is cut off but the suffix that we would make.
 */
export const parseSecretId = (keyring: Keyring, place: string, text: string): SecretId => {
  const [whole, account, named = ''] = ARN.exec(text) ?? []
  if (whole === undefined) return { name: text }
  if (account !== ACCOUNT) return AWS_NAME.test(named) ? { arn: text } : { name: text }
  const [, name, suffix] = SUFFIXED.exec(named) ?? []
  if (name === undefined || suffix === undefined) return { name: named }
  const isOurs = keyring.all.some((key) => isSameText(suffixOf(key, place, name), suffix))
  return { name: isOurs ? name : named }
}

// AWS asks for 32 to 64 characters.
const LONG_ENOUGH = /^[A-Za-z0-9-]{32,64}$/
const NUMBER = /^(?:0|[1-9]\d{0,11})$/
const DIGITS = 12

const asUuid = (hex: string): string =>
  [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-'
  )

const idUnder = (key: EncryptionKey, words: readonly string[], version: string): string => {
  const hex = hash(key, ['aws-version', ...words, version]).toString('hex')
  // The number stands in it, so that a version can be asked for by its id.
  return asUuid(
    NUMBER.test(version) ? version.padStart(DIGITS, '0') + hex.slice(0, 20) : `f${hex.slice(1, 32)}`
  )
}

/** Which secret a version is of. */
export interface Versioned {
  readonly store: string
  readonly path: string
}

const wordsOf = ({ store, path }: Versioned): readonly string[] => [store, path]

/** The store's own name of a version where AWS could have made it, else an id of the form of AWS. */
export const versionIdOf = (keyring: Keyring, of: Versioned, version: string): string =>
  LONG_ENOUGH.test(version) ? version : idUnder(keyring.active, wordsOf(of), version)

export const isVersionId = (
  keyring: Keyring,
  of: Versioned,
  version: string,
  id: string
): boolean =>
  id === version || keyring.all.some((key) => isSameText(idUnder(key, wordsOf(of), version), id))

const ID_OF_NUMBER = /^(\d{8})-(\d{4})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** The version that such an id can be of, if it tells; whether it is, `isVersionId` says of what was read. */
export const versionToldBy = (id: string): string | undefined => {
  const [whole, high = '', low = ''] = ID_OF_NUMBER.exec(id) ?? []
  return whole === undefined ? undefined : String(Number(high + low))
}
