#!/usr/bin/env -S node --
/**
 * The process behind the command line. Rule: it ends by itself, with an exit code that `failure.ts` explains. (`node
 * --`: Node 20 takes an `--env-file` that follows for its own, and ends where that file is not there yet.)
 */
import { readFileSync } from 'node:fs'
import { reportFailure } from './failure.ts'
import { prepareProcess } from './process.ts'
import { createProgram } from './program.ts'

prepareProcess()

const manifest = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
const { version } = JSON.parse(manifest) as { version: string }

try {
  await createProgram(version).parseAsync()
} catch (error) {
  process.exitCode = reportFailure(error)
}
