/** `purser encryption-key new`: what goes to the end of ENCRYPTION_KEYS. */
import { newEncryptionKey } from '../crypto/keyring.ts'
import { print, requireOutput } from './io.ts'

export const printNewKey = (): Promise<void> => {
  requireOutput()
  return print(newEncryptionKey())
}
