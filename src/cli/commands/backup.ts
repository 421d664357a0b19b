/** `purser backup` and `purser restore` on the command line. */
import type { Command } from 'commander'
import type { BackupOptions } from '../backup.ts'

export const addBackupCommand = (program: Command): void => {
  program
    .command('backup')
    .description('copy the state and the audit trail into a new folder, while the service runs')
    .argument('<folder>', 'is made, for its owner alone; nothing is overwritten')
    .option('--json', 'what was copied, as JSON')
    .addHelpText(
      'after',
      `
The state as it is at one moment: local secrets, revocations, uses of keys, bots of run time; and the trail up to then or
a little later. All secrets in it are sealed, and it never holds ENCRYPTION_KEYS: keep those elsewhere, since without them
it is worthless. .env and purser.yaml are not in it. With REDIS_URL the state is in Redis, which has its own backups.

Example:
  $ purser backup /mnt/backups/purser-$(date +%F)`
    )
    .action(async (folder: string, options: BackupOptions) =>
      (await import('../backup.ts')).backup(folder, options)
    )
}

export const addRestoreCommand = (program: Command): void => {
  program
    .command('restore')
    .description('put what `purser backup` has copied into a DATA_DIR that has none')
    .argument('<folder>', 'the backup; it stays as it is')
    .addHelpText(
      'after',
      `
Needs the ENCRYPTION_KEYS of when it was made, with the newer ones behind them. Everything is checked before anything is
put in place: that the backup is whole and was made with these keys, for this ENVIRONMENT. No service may run on DATA_DIR,
and a state or trail that is there is not overwritten. What happened after the backup is not in it: revoke again what was
revoked since.

Example:
  $ purser restore /mnt/backups/purser-2026-11-30`
    )
    .action(async (folder: string) => (await import('../restore.ts')).restore(folder))
}
