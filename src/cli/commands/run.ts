/** `purser run` on the command line. Rule: references come in by it, and never a value. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { RunOptions } from '../run/plan.ts'
import { parseTrust } from './login.ts'

const add = (text: string, others: readonly string[] = []): string[] => [...others, text]

const secondsUpTo =
  (most: number) =>
  (text: string): number => {
    const seconds = Number(text)
    if (/^\d{1,6}(?:\.\d{1,3})?$/.test(text) && seconds <= most) return seconds
    throw new InvalidArgumentError(`Give seconds, up to ${most}.`)
  }

const HELP = `
Reads PURSER_URL, PURSER_CA_FILE, PURSER_CLIENT_CERT_FILE, PURSER_CLIENT_KEY_FILE (a certificate to show) and PURSER_KEY_FILE
from the environment, and never ./.env, which is the program's own. The program starts once all secrets are there, and gets no
variable PURSER_* of these unless --keep-purser says so.

Files have mode 600, stand on a tmpfs, and go when the program ends; what stands there already is refused. Without --into those of a group are in a new folder,
which PURSER_FILES names. With --watch the program is told of a change once all of the new set could be read.

A group as variables (--as env) needs --env-prefix. With one name in a
group that cannot be a file or a variable, such as a nested or hidden one as a file, the program does not start (125).

Exit codes: that of the program, 128 and the number of the signal that ended it; 2 wrong usage, 125 the secrets could not
be had, 126 the program cannot be started, 127 it is not there.

Examples:
  $ purser run --env 'DB_PASSWORD=aws:acme/db#password' -- node server.js
  $ purser run --file '/dev/shm/tls.key=vault:pki/app#key' --watch signal:HUP -- nginx -g 'daemon off;'
  $ purser run --all-below aws:acme-pro-appsec/ --as files --into /run/secrets --watch restart -- node server.js
  $ purser run --trust prod-cluster --token-file /var/run/secrets/purser/token --env API_KEY=api-key -- ./server`

const seconds = (flags: string, about: string, otherwise: number, most: number): Option =>
  new Option(flags, about).argParser(secondsUpTo(most)).default(otherwise)

export const addRunCommand = (program: Command): void => {
  program
    .command('run')
    .description('start a program with its secrets; restart or signal it when one changes')
    .argument('<command...>', 'the program and its arguments, after --')
    .option('--env <name=ref>', 'a variable; may be repeated', add)
    .option('--file <path=ref>', 'a file; may be repeated', add)
    .option(
      '--all-below <prefix>',
      'all that may be read below <store>:<path>/; may be repeated',
      add
    )
    .addOption(new Option('--as <form>', 'what a group becomes').choices(['files', 'env']))
    .option('--into <folder>', 'where the files of a group stand')
    .option('--env-prefix <prefix>', 'what the variables of a group begin with, such as APP_')
    .option('--watch <how>', 'restart, or signal:HUP and others, when a secret has changed')
    .option('--redact', 'take the secrets out of what the program prints')
    .option('--trust <name>', 'by which trust; found by the token if absent', parseTrust)
    .option('--token-file <path>', "log in by the workload's own token, without PURSER_KEY_FILE")
    .option('--allow-disk', 'files may stand on a disk')
    .option('--keep-purser', 'the program gets the variables PURSER_* too')
    .addOption(seconds('--wait <seconds>', 'how long to try at the start', 10, 3_600))
    .addOption(seconds('--grace <seconds>', 'from TERM to KILL at a restart', 10, 3_600))
    .addOption(seconds('--jitter <seconds>', 'changes are taken up to so much later', 1, 3_600))
    .addOption(
      seconds('--check-every <seconds>', 'look for changes without an event; 0: never', 300, 86_400)
    )
    .addHelpText('after', HELP)
    .action(async (words: string[], _options: unknown, command: Command) =>
      (await import('../run.ts')).run(words, command.optsWithGlobals<RunOptions>())
    )
}
