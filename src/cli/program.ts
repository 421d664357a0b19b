/** Every command of `purser`, one file each. Rule: a command throws; only `purser.ts` ends the process. */
import { Command } from 'commander'
import { addConfigCommand } from './config-check.ts'
import { addEncryptionKeyCommand } from './encryption-key.ts'
import { useEnvFile } from './environment.ts'
import { addExplainCommand } from './explain.ts'
import { usageFailure } from './failure.ts'
import { addInitCommand } from './init.ts'
import { addKeyCommand } from './key.ts'
import { addQuickstartCommand } from './quickstart.ts'
import { addResolveCommand } from './resolve.ts'
import { addServeCommand } from './serve.ts'
import { addStoreCommand } from './store.ts'

export const createProgram = (version: string): Command => {
  const program = new Command('purser')
    .description('A secrets broker: each program gets the credentials that its own API key allows.')
    .version(version)
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 wrong usage.')
    // Inherited by the commands, so it stands before them.
    .exitOverride()
    .option('--env-file <path>', 'the file of settings, in the place of ENV_FILE and ./.env')
    .hook('preAction', (_program, command) => {
      const { envFile } = command.optsWithGlobals<{ envFile?: string }>()
      if (envFile === '') throw usageFailure('--env-file names a file.')
      if (envFile !== undefined) useEnvFile(envFile)
    })
  addServeCommand(program)
  addQuickstartCommand(program)
  addInitCommand(program)
  addConfigCommand(program)
  addKeyCommand(program)
  addEncryptionKeyCommand(program)
  addStoreCommand(program)
  addResolveCommand(program)
  addExplainCommand(program)
  return program
}
