#!/usr/bin/env -S node --
/**
 * The process behind the command line. Rule: it ends by itself, with an exit code that `failure.ts` explains. (`node
 * --`: Node 20 takes an `--env-file` that follows for its own, and ends where that file is not there yet.)
 */
import { readFileSync } from 'node:fs'
import { reportFailure } from './failure.ts'
import { createProgram } from './program.ts'
import { quiet } from './quiet.ts'

// Whatever file a command creates is its owner's alone.
process.umask(0o077)
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

const manifest = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
const { version } = JSON.parse(manifest) as { version: string }

try {
  await createProgram(version).parseAsync()
} catch (error) {
  process.exitCode = reportFailure(error)
}
