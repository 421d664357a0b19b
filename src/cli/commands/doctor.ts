/** `purser doctor` on the command line. */
import type { Command } from 'commander'
import type { DoctorOptions } from '../doctor.ts'

export const addDoctorCommand = (program: Command): void => {
  program
    .command('doctor')
    .description('the checks before going live: a line each, with the sentence that mends it')
    .option('--json', 'as JSON, for programs')
    .addHelpText(
      'after',
      `
Runs beside a service or without one, as the same user and in the same folder. It changes nothing and shows no secret.
A line begins with ok, warn or fail. Exit code 1: a check failed. In dev and stg it warns of what would fail in pro.

Examples:
  $ purser doctor
  $ purser doctor --json | jq '.checks[] | select(.status == "fail")'`
    )
    .action(async (options: DoctorOptions) => (await import('../doctor.ts')).doctor(options))
}
