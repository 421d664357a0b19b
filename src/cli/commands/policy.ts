/** `purser policy` on the command line. */
import { type Command, Option } from 'commander'
import type { PolicyDiffOptions } from '../policy-diff.ts'
import { parseTime } from './times.ts'

export const addPolicyCommand = (program: Command): void => {
  program
    .command('policy')
    .description('who may read and write what')
    .command('diff')
    .description('which client would gain or lose what by another purser.yaml, before a reload')
    .argument('<file>', 'the purser.yaml to come')
    .option('--from <file>', 'the one to compare with, in place of CONFIG_FILE')
    .addOption(
      new Option('--since <time>', 'references in use since: 2026-03-01, 12h, 7d')
        .argParser(parseTime)
        .default(parseTime('7d'), '7d')
    )
    .addOption(
      new Option('--fail-on <change>', 'what makes exit code 1')
        .choices(['any', 'loss', 'gain', 'used'])
        .default('any')
    )
    .option('--json', 'as JSON, for programs')
    .addHelpText(
      'after',
      `
By pattern, as rules are written, a pattern that another one covers included; and by reference: what clients have asked
for, by the audit trail of this folder (of all replicas where AUDIT_SINKS has redis), whose answer would change. It needs
neither a running service nor ENCRYPTION_KEYS, asks no store and shows no secret. Of each member of trusts: it says what it
lets in or gives more (+) or less (-). "used" fails where a client would lose a
reference that it has asked for. Exit codes: 0 nothing of --fail-on, 1 there is, 2 cannot tell, or wrong usage.

Examples:
  $ purser policy diff purser.next.yaml
  $ git show main:purser.yaml > before.yaml && purser policy diff --from before.yaml --fail-on gain purser.yaml`
    )
    .action(async (file: string, options: PolicyDiffOptions) =>
      (await import('../policy-diff.ts')).policyDiff(file, options)
    )
}
