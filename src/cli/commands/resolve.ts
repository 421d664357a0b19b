/** `purser resolve` on the command line. */
import type { Command } from 'commander'
import type { ResolveOptions } from '../resolve.ts'

export const addResolveCommand = (program: Command): void => {
  program
    .command('resolve')
    .description('read a reference through the configured stores, without a policy, and print it')
    .argument('<ref>', 'a reference in any form, or a name of purser.yaml')
    .option('--raw', 'the bytes as they are stored, without a newline after them')
    .addHelpText(
      'after',
      `
The value goes to stdout; a secret of several fields is printed as JSON.

Examples:
  $ purser resolve 'local:demo/greeting#text'
  $ purser resolve --raw local:app/keystore > keystore.p12`
    )
    .action(async (ref: string, options: ResolveOptions) =>
      (await import('../resolve.ts')).resolve(ref, options)
    )
}
