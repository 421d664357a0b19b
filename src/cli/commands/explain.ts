/** `purser explain` on the command line. */
import type { Command } from 'commander'
import type { ExplainOptions } from '../explain.ts'

export const addExplainCommand = (program: Command): void => {
  program
    .command('explain')
    .description('why a client may or may not read a reference, check by check; never the value')
    .requiredOption('--client <client>', 'whom an API key is issued to')
    .argument('<ref>', 'a reference in any form, or a name of purser.yaml')
    .option('--json', 'as /v1/admin/explain answers')
    .addHelpText(
      'after',
      `
Reads the configuration of this folder and connects to nothing. What a running service knows beside it (its cache, its
keys, the health of its stores) is told by GET and POST /v1/admin/explain.
Exits with 1 where the client may not read it, so that a script can ask.

Example:
  $ purser explain --client aos-app 'aws:acme-pro-appsec/SMTPMailServerPassword'`
    )
    .action(async (ref: string, options: ExplainOptions) =>
      (await import('../explain.ts')).explainTo(ref, options)
    )
}
