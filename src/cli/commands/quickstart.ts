/** `purser quickstart` on the command line. */
import type { Command } from 'commander'

export const addQuickstartCommand = (program: Command): void => {
  program
    .command('quickstart')
    .description('what npm start runs: init --dev in a folder without configuration, then serve')
    .addHelpText(
      'after',
      `
In the environment dev with a policy for the client demo it also prints curl lines with a key for one day.

Example:
  $ mkdir try && cd try && purser quickstart`
    )
    .action(async () => {
      // As `serve` does.
      await import('typebox')
      await (await import('../quickstart.ts')).quickstart()
    })
}
