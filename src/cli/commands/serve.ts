/** `purser serve` on the command line. */
import type { Command } from 'commander'

export const addServeCommand = (program: Command): void => {
  program
    .command('serve')
    .description('run the service')
    .addHelpText(
      'after',
      `
Reads the environment, ./.env and purser.yaml, and refuses to start on a missing or weak secret. SIGHUP reloads all of
it, SIGTERM and SIGINT end the service after the requests under way.

Example:
  $ ENVIRONMENT=pre purser serve`
    )
    .action(async () => {
      // Most of the files first: an import opens all of its files at once, and a service may have few descriptors.
      await import('typebox')
      await (await import('../serve.ts')).serve(process.cwd())
    })
}
