/**
 * The program that is run. Rule: it is there once at most; its end is ours, unless we ended it to start it anew; and it has
 * the environment that it was given, the mask and the standard streams that we were started with.
 */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { Clock } from './clock.ts'
import { codeOf, spawnFailure } from './ends.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface Program {
  /** Rejects with `RunFailure`. */
  readonly start: (environment: Environment) => Promise<void>
  /** Ends it and starts it anew; does nothing once it has ended, or is told to end. Rejects with `RunFailure`. */
  readonly restart: (environment: Environment) => Promise<void>
  /** To be called for signals that we got or send. */
  readonly signal: (signal: NodeJS.Signals) => void
  /** Resolves with our exit code. */
  readonly ended: Promise<number>
}

export interface ProgramOptions {
  readonly command: readonly [string, ...string[]]
  readonly graceMs: number
  readonly clock: Clock
  /** Of the process that we were started by. */
  readonly umask: number
  /** Where its output goes, if it is not to have ours. Resolves when all of it has left. */
  readonly output?: (from: { stdout: Readable; stderr: Readable }) => Promise<void>
}

const ENDING: ReadonlySet<NodeJS.Signals> = new Set(['SIGTERM', 'SIGINT', 'SIGQUIT'])
/** For output of a program that has ended, which somebody whom it left behind may hold open for ever. */
const LAST_OUTPUT_MS = 1_000

/** Node has no option for it. */
const underMask = <T>(umask: number, work: () => T): T => {
  const ours = process.umask(umask)
  try {
    return work()
  } finally {
    process.umask(ours)
  }
}

interface Present {
  readonly child: ChildProcess
  /** With our exit code, once its output has left too. */
  readonly gone: Promise<number>
  isGone: boolean
}

const begin = (options: ProgramOptions, environment: Environment): Promise<Present> =>
  new Promise((done, fail) => {
    const { command, umask, output, clock } = options
    const [file, ...args] = command
    const stdio: StdioOptions = output ? ['inherit', 'pipe', 'pipe'] : 'inherit'
    let child: ChildProcess
    try {
      child = underMask(umask, () => spawn(file, args, { env: { ...environment }, stdio }))
    } catch (error) {
      fail(spawnFailure(file, error))
      return
    }
    child.once('error', (error) => fail(spawnFailure(file, error)))
    child.once('spawn', () => {
      const { stdout, stderr } = child
      const left = stdout && stderr && output ? output({ stdout, stderr }) : Promise.resolve()
      const exited = new Promise<number>((end) => {
        child.once('exit', (code, signal) => {
          present.isGone = true
          end(codeOf(code, signal))
        })
      })
      const gone = exited.then(async (code) => {
        const patience = new AbortController()
        await Promise.race([left, clock.wait(LAST_OUTPUT_MS, patience.signal)])
        patience.abort()
        stdout?.destroy()
        stderr?.destroy()
        return code
      })
      const present: Present = { child, gone, isGone: false }
      done(present)
    })
  })

export const createProgramRun = (options: ProgramOptions): Program => {
  const { graceMs, clock } = options
  let present: Present | undefined
  let isEnding = false
  let isReplacing = false
  let settle: (code: number) => void = () => {}
  const ended = new Promise<number>((resolve) => {
    settle = resolve
  })

  const start = async (environment: Environment): Promise<void> => {
    const one = await begin(options, environment)
    present = one
    void one.gone.then((code) => {
      if (present === one && !isReplacing) settle(code)
    })
  }

  const stop = async ({ child, gone }: Present): Promise<number> => {
    const patience = new AbortController()
    child.kill('SIGTERM')
    void clock.wait(graceMs, patience.signal).then(() => {
      if (!patience.signal.aborted) child.kill('SIGKILL')
    })
    const code = await gone
    patience.abort()
    return code
  }

  return {
    ended,
    start,
    restart: async (environment) => {
      const former = present
      if (former === undefined || former.isGone || isEnding) return
      isReplacing = true
      const code = await stop(former)
      isReplacing = false
      if (isEnding) settle(code)
      else await start(environment)
      // Told to end between its start and here.
      if (isEnding && present !== former) present?.child.kill('SIGTERM')
    },
    signal: (signal) => {
      isEnding ||= ENDING.has(signal)
      // It has that one already.
      if (isReplacing && signal === 'SIGTERM') return
      if (present?.isGone === false) present.child.kill(signal)
    }
  }
}
