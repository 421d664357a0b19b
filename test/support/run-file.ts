/**
 * One file of tests as a process, and what came of it. Rule: a file passes if it ran to its end, tested something and left with
 * 0; all else is a failure that says why. (Not by `tap run`: its loaders cost more than most files do, and make each process
 * another than users have.)
 */
import { spawn } from 'node:child_process'
import { Parser } from 'tap-parser'
import { type Tally, tallyOf } from './tally.ts'

/** Enough for the longest file on a machine with twice as much to do as it can. */
const TIMEOUT_MS = 600_000
/** tap ends a file that takes too long, and says what it waited for; this is for what it cannot end. */
const GRACE_MS = 10_000

export interface FileResult extends Tally {
  readonly file: string
  readonly seconds: number
  readonly stderr: string
}

interface Ended {
  readonly tap: string
  readonly stderr: string
  /** Its exit code, or the signal that ended it. */
  readonly end: number | NodeJS.Signals | null
}

const run = (file: string, timeoutMs: number, graceMs: number): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--enable-source-maps', file], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TAP: '1', TAP_TIMEOUT: String(timeoutMs / 1_000) }
    })
    let tap = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      tap += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs + graceMs)
    // Who is told to leave takes the file along.
    const leave = (): void => {
      child.kill('SIGTERM')
    }
    process.once('exit', leave)
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      process.off('exit', leave)
      resolve({ tap, stderr, end: code ?? signal })
    })
  })

/** Whether it is all there, at least one test, and holds. */
const isWhole = (tap: string): boolean => {
  let ok = false
  const parser = new Parser()
  parser.once('complete', (results) => {
    ok = results.ok && results.count > 0
  })
  parser.end(tap)
  return ok
}

/** The file as a test around its tests: what is counted. */
const around = (file: string, tap: string, ok: boolean): string => {
  const within = tap.replace(/^TAP version \d+\n/, '').trimEnd() || '1..0'
  const line = `${ok ? 'ok' : 'not ok'} 1 - ${file}`
  return `TAP version 14\n# Subtest: ${file}\n${within.replace(/^/gm, '    ')}\n${line}\n1..1\n`
}

export const runFile = async (
  file: string,
  timeoutMs = TIMEOUT_MS,
  graceMs = GRACE_MS
): Promise<FileResult> => {
  const begun = performance.now()
  const { tap, stderr, end } = await run(file, timeoutMs, graceMs)
  const seconds = (performance.now() - begun) / 1_000
  const tally = tallyOf(around(file, tap, end === 0 && isWhole(tap)))
  const how = end === 0 ? 'it has no test, or did not run to its end' : `it ended with ${end}`
  const failures = tally.failures.map((failure) =>
    failure.test === file ? { ...failure, reasons: [...failure.reasons, how] } : failure
  )
  return { ...tally, failures, file, seconds, stderr }
}
