/** `purser explain` on the command line. */
import type { Command } from 'commander'
import type { ExplainOptions } from '../explain.ts'

export const addExplainCommand = (program: Command): void => {
  program
    .command('explain')
    .description(
      'why a client, or a login, may or may not read a reference, check by check; never the value'
    )
    .option('--client <client>', 'the client, as API keys name it')
    .option('--trust <name>', 'in its place: who logs in by that member of `trusts:`')
    .option('--claims <file>', 'with --trust: what the token says, as JSON')
    .argument('<ref>', 'a reference in any form, or a name of purser.yaml')
    .option('--json', 'JSON as /v1/admin/explain answers it')
    .addHelpText(
      'after',
      `
Reads the configuration of this folder and connects to nothing. GET and POST /v1/admin/explain also know what a running
service knows: its cache, its keys, the health of its stores.
Exits with 1 if the client may not read the reference, so that a script can ask. With --trust it says what the key of such a
login may; with --claims also whether a token that says this is taken, but for its signature, audience and times.

Examples:
  $ purser explain --trust prod-cluster local:shop/db
  $ purser explain --client aos-app 'aws:acme-pro-appsec/SMTPMailServerPassword'`
    )
    .action(async (ref: string, options: ExplainOptions) =>
      (await import('../explain.ts')).explainTo(ref, options)
    )
}
