/** `purser init` on the command line. */
import { type Command, Option } from 'commander'
import { ENVIRONMENTS } from '../../core/principal.ts'
import { VAULT_LOGINS } from '../../kinds/vault/example.ts'
import type { InitOptions } from '../init.ts'
import { parseKind, parseSetting, parseVaultAddress, parseVaultName } from '../wizard.ts'

export const addInitCommand = (program: Command): void => {
  program
    .command('init')
    .description(
      'write .env and purser.yaml, by questions or flags; never overwrites without --force'
    )
    .option('--dev', 'no questions: environment dev, the local store, a policy for a client demo')
    .option('--force', 'replace existing files; the former ones are kept as <name>.bak-<time>')
    .addOption(new Option('-e, --environment <environment>').choices(ENVIRONMENTS))
    .option('--port <port>', 'port of the public listener', parseSetting('PORT'))
    .option('--scope-root <scope>', 'the scope above all public routes', parseSetting('SCOPE_ROOT'))
    .option('--store <kind>', 'kind of the first store', parseKind)
    .option('--vault-address <url>', 'address, if the first store is a vault', parseVaultAddress)
    .addOption(new Option('--vault-login <method>', 'how to log in there').choices(VAULT_LOGINS))
    .option('--vault-name <name>', 'the user or role that logs in there', parseVaultName)
    .addHelpText(
      'after',
      '\nExample:\n  $ purser init --environment pre --store vault\n  $ purser init --dev'
    )
    .action(async (options: InitOptions) => (await import('../init.ts')).init(options))
}
