/**
 * What stands for an API key where a client signs as AWS has it (SigV4): an access key id and its secret. Rule: both follow
 * from the key's id and the encryption key that it was issued under, so that nothing is kept; the secret is worth nothing
 * without the key itself, which goes along as the session token.
 */
import type { EncryptionKey } from './keyring.ts'

export interface SigningCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** `PSR` and the first 16 digits of the key's id. It only names the key: what counts is the session token. */
export const accessKeyIdOf = (keyId: string): string =>
  `PSR${keyId.replaceAll('-', '').slice(0, 16)}`

/** `encryptionKey`: the one under the key's `kid`. */
export const signingCredentialsOf = (
  encryptionKey: EncryptionKey,
  keyId: string
): SigningCredentials => ({
  accessKeyId: accessKeyIdOf(keyId),
  secretAccessKey: encryptionKey.signingSecretFor(keyId).toString('base64url')
})
