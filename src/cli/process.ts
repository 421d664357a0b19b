/** What holds for every process of the program, whatever it does. To be called first. */
import { quiet } from './quiet.ts'

const OWNER_ALONE = 0o077
let before = OWNER_ALONE

/** The mask of whoever started us, for a program that is started in his name. */
export const umaskAtStart = (): number => before

export const prepareProcess = (): void => {
  // Whatever file a command creates is its owner's alone.
  before = process.umask(OWNER_ALONE)
  // Without a listener Node opens its inspector at this signal, to everyone on this machine.
  process.on('SIGUSR1', () => {})

  // A reader that stops (`| head`) knows that it did; a full disk has to be reported.
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
    process.exitCode = 1
    if (code !== 'EPIPE') process.stderr.write(`Standard output cannot be written (${code}).\n`)
  })

  quiet(() => {})
  // Lines for people, in the middle of a log for machines; package.json says which Node will do.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'
}
