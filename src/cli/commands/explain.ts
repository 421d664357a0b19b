/** `purser explain` on the command line. */
import type { Command } from 'commander'
import type { ExplainOptions } from '../explain.ts'

export const addExplainCommand = (program: Command): void => {
  program
    .command('explain')
    .description('why a client may or may not read a reference, check by check; never the value')
    .requiredOption('--client <client>', 'the client, as API keys name it')
    .argument('<ref>', 'a reference in any form, or a name of purser.yaml')
    .option('--json', 'JSON as /v1/admin/explain answers it')
    .addHelpText(
      'after',
      `
Reads the configuration of this folder and connects to nothing. GET and POST /v1/admin/explain also know what a running
service knows: its cache, its keys, the health of its stores.
Exits with 1 if the client may not read the reference, so that a script can ask.

Example:
  $ purser explain --client aos-app 'aws:acme-pro-appsec/SMTPMailServerPassword'`
    )
    .action(async (ref: string, options: ExplainOptions) =>
      (await import('../explain.ts')).explainTo(ref, options)
    )
}
