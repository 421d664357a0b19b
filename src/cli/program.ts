/**
 * Every command of `purser`: its grammar in `commands/`, its work in the file beside this one that its action imports.
 * Rule: what is imported before a command is chosen is light; a command throws, and only `purser.ts` ends the process.
 */
import { Command } from 'commander'
import { addAuditCommand } from './commands/audit.ts'
import { addBackupCommand, addRestoreCommand } from './commands/backup.ts'
import { addConfigCommand } from './commands/config.ts'
import { addDoctorCommand } from './commands/doctor.ts'
import { addEncryptionKeyCommand } from './commands/encryption-key.ts'
import { addExplainCommand } from './commands/explain.ts'
import { addInitCommand } from './commands/init.ts'
import { addKeyCommand } from './commands/key.ts'
import { addLoginCommand } from './commands/login.ts'
import { addPolicyCommand } from './commands/policy.ts'
import { addQuickstartCommand } from './commands/quickstart.ts'
import { addResolveCommand } from './commands/resolve.ts'
import { addRunCommand } from './commands/run.ts'
import { addServeCommand } from './commands/serve.ts'
import { addStoreCommand } from './commands/store.ts'
import { useEnvFile } from './environment.ts'
import { usageFailure } from './failure.ts'

export const createProgram = (version: string): Command => {
  const program = new Command('purser')
    .description('A secrets broker: each program gets the credentials that its own API key allows.')
    .version(version)
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 wrong usage.')
    // Inherited by the commands, so it stands before them.
    .exitOverride()
    .option('--env-file <path>', 'the file of settings, instead of ENV_FILE or ./.env')
    .hook('preAction', (_program, command) => {
      const { envFile } = command.optsWithGlobals<{ envFile?: string }>()
      if (envFile === '') throw usageFailure('--env-file names a file.')
      if (envFile !== undefined) useEnvFile(envFile)
    })
  addServeCommand(program)
  addQuickstartCommand(program)
  addInitCommand(program)
  addConfigCommand(program)
  addPolicyCommand(program)
  addDoctorCommand(program)
  addKeyCommand(program)
  addEncryptionKeyCommand(program)
  addStoreCommand(program)
  addBackupCommand(program)
  addRestoreCommand(program)
  addResolveCommand(program)
  addExplainCommand(program)
  addLoginCommand(program)
  addRunCommand(program)
  addAuditCommand(program)
  return program
}
