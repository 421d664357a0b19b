/** `purser encryption-key` on the command line. */
import type { Command } from 'commander'

export const addEncryptionKeyCommand = (program: Command): void => {
  program
    .command('encryption-key')
    .description('keys for ENCRYPTION_KEYS')
    .command('new')
    .description('print a fresh random encryption key of 32 characters')
    .addHelpText(
      'after',
      `
To change the key without losing service, append the new one: the last is active, all are accepted.

Example:
  $ purser encryption-key new`
    )
    .action(async () => (await import('../encryption-key.ts')).printNewKey())
}
