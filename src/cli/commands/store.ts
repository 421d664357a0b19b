/**
 * `purser store` on the command line. Rule: a value never comes in by it, since every user of the machine could read it
 * there.
 */
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { GetOptions } from '../store.ts'
import type { MigrateOptions } from '../store-migrate.ts'
import type { RewrapOptions } from '../store-rewrap.ts'

const parseKid = (text: string): string => {
  if (/^[A-Za-z0-9_-]{8}$/.test(text)) return text
  throw new InvalidArgumentError('The id of an encryption key has 8 characters; a fault names it.')
}

const addRewrapCommand = (store: Command): void => {
  store
    .command('rewrap')
    .description('re-encrypt everything under the active encryption key, bots of run time too')
    .option(
      '--discard <kid>',
      'give up for good what is sealed under this lost encryption key, and nothing else',
      parseKid
    )
    .addHelpText(
      'after',
      `
What cannot be opened is left as it is, and makes exit code 1.

Example:
  $ purser store rewrap`
    )
    .action(async (options: RewrapOptions) => (await import('../store-rewrap.ts')).rewrap(options))
}

const addMigrateCommand = (store: Command): void => {
  store
    .command('migrate')
    .description('copy all that is kept from DATA_DIR to Redis or back')
    .addOption(
      new Option('--to <kind>', 'where to copy to')
        .choices(['redis', 'embedded'])
        .makeOptionMandatory()
    )
    .option('--dry-run', 'only say what would be done')
    .option('--overwrite', 'replace what the target has and is different')
    .addHelpText(
      'after',
      `
Copies secrets, revocations and all else that is kept, sealed as it is; the source stays untouched. Needs REDIS_URL and all
encryption keys under which anything is sealed: what they cannot open is not copied, and is reported. Stop the services
first, or run this again once they have stopped.

Example:
  $ purser store migrate --to redis --dry-run`
    )
    .action(async (options: MigrateOptions) =>
      (await import('../store-migrate.ts')).migrate(options)
    )
}

export const addStoreCommand = (program: Command): void => {
  const store = program
    .command('store')
    .description('the local store, also beside running services')
  store
    .command('put')
    .description('store a new version of a secret; its value is read from standard input')
    .argument('<ref>', 'for example local:team/db')
    .addHelpText(
      'after',
      `
The value is a text, or a JSON object whose members are the secret's fields. One newline at its end is not part of it.

Examples:
  $ purser store put local:team/smtp < password.txt
  $ echo '{"user":"app","password":"…"}' | purser store put local:team/db`
    )
    .action(async (ref: string) => (await import('../store.ts')).put(ref))
  store
    .command('get')
    .description('print a secret, or one field of it')
    .argument('<ref>', 'for example local:team/db#password')
    .option('--raw', 'the text as it is stored, without a newline after it')
    .addHelpText('after', "\nExample:\n  $ purser store get 'local:team/db?version=2#password'")
    .action(async (ref: string, options: GetOptions) =>
      (await import('../store.ts')).get(ref, options)
    )
  store
    .command('list')
    .description('list secrets: reference, newest version and its time, separated by tabs')
    .argument('[prefix]', 'for example local:team/')
    .addHelpText('after', '\nExample:\n  $ purser store list local:team/')
    .action(async (prefix?: string) => (await import('../store.ts')).list(prefix))
  store
    .command('delete')
    .description('delete a secret with all its versions')
    .argument('<ref>', 'for example local:team/db')
    .addHelpText('after', '\nExample:\n  $ purser store delete local:team/db')
    .action(async (ref: string) => (await import('../store.ts')).remove(ref))
  addRewrapCommand(store)
  addMigrateCommand(store)
}
