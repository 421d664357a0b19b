/** `purser config` on the command line. */
import type { Command } from 'commander'

export const addConfigCommand = (program: Command): void => {
  program
    .command('config')
    .description('the configuration')
    .command('check')
    .description('check .env and purser.yaml, and list every fault with its place')
    .addHelpText('after', '\nExample:\n  $ purser config check && kill -HUP <pid of purser serve>')
    .action(async () => (await import('../config-check.ts')).checkConfig())
}
