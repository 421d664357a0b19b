/** Encryption keys and API keys for tests. */
import { randomBytes } from 'node:crypto'
import type { Mode } from '../../src/core/principal.ts'
import { createKeyring, type Keyring, newEncryptionKey } from '../../src/crypto/keyring.ts'
import { issueApiKey, type KeyRequest } from '../../src/keys/api-key.ts'

export const randomKeyring = (): { encryptionKey: string; keyring: Keyring } => {
  const encryptionKey = newEncryptionKey()
  return { encryptionKey, keyring: createKeyring([encryptionKey]) }
}

export const randomSecret = (): string => randomBytes(30).toString('base64url')

export const keyRequest = (overrides: Partial<KeyRequest> = {}): KeyRequest => ({
  client: 'app',
  scopes: ['aura-services:secrets'],
  mode: 'r',
  environment: 'dev',
  minimumVersion: '8.3.0',
  ...overrides
})

export const issueKey = async (
  keyring: Keyring,
  client: string,
  mode: Mode = 'r',
  overrides: Partial<KeyRequest> = {},
  now = Date.now()
): Promise<string> =>
  (await issueApiKey(keyring, keyRequest({ client, mode, ...overrides }), now)).apiKey

export const asBots = { scopes: ['aura-services:bots'] } satisfies Partial<KeyRequest>
export const asAdmin = { scopes: ['aura-admin'] } satisfies Partial<KeyRequest>
