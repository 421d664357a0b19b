/**
 * `purser run`: a program with its secrets, in its environment or in files, from its start to its end. Rule: it starts
 * once all of them are there; after that nothing that befalls the service ends it.
 */
import { STARTED_WITH } from './environment.ts'
import { CommandFailure } from './failure.ts'
import { tell as say } from './io.ts'
import { umaskAtStart } from './process.ts'
import { backOffMs, type Clock, systemClock } from './run/clock.ts'
import { type Connected, connect } from './run/connect.ts'
import { type Dealt, deal } from './run/deal.ts'
import { codeOfSignal, NOT_STARTED, RunFailure } from './run/ends.ts'
import { environmentOf } from './run/environment.ts'
import { createFileSet, type FileSet } from './run/files.ts'
import { listen } from './run/listen.ts'
import { createOutput } from './run/output.ts'
import { type Plan, planOf, type RunOptions } from './run/plan.ts'
import { createProgramRun, type Program } from './run/program.ts'
import { readAll } from './run/read.ts'
import { onSignals } from './run/signals.ts'
import { Unread } from './run/unread.ts'
import { createWatching } from './run/watch.ts'

const tell = (line: string): void => say(`purser run: ${line}`)

/** What a run is made of. */
interface Run {
  readonly plan: Plan
  readonly options: RunOptions
  readonly connected: Connected
  readonly clock: Clock
  readonly files: FileSet
  readonly program: Program
  readonly output: ReturnType<typeof createOutput>
  /** Told to end before the program was there. */
  readonly stopped: AbortController
}

const ownFolderOf = ({ plan, files }: Pick<Run, 'plan' | 'files'>): string | undefined =>
  plan.groups.some((group) => group.as === 'files' && group.folder === undefined)
    ? files.ownFolder()
    : undefined

const read = async (run: Run, signal: AbortSignal): Promise<Dealt> => {
  const { plan, connected } = run
  const found = await readAll(connected.purser, plan, signal)
  return deal(plan, found, ownFolderOf(run) ?? '')
}

/** Again and again for as long as the command line says, where that may help. */
const readFirst = async (run: Run, signal: AbortSignal): Promise<Dealt> => {
  const { clock, options } = run
  const until = clock.now() + options.wait * 1000
  for (let failures = 1; ; failures++) {
    try {
      return await read(run, signal)
    } catch (error) {
      if (!(error instanceof Unread) || !error.isRetryable || signal.aborted) throw error
      const ms = Math.max(error.retryAfterMs ?? 0, backOffMs(failures, clock))
      if (clock.now() + ms > until) throw error
      if (failures === 1) tell(`${error.message.replaceAll('\n', ' ')} It is tried again.`)
      await clock.wait(ms, signal)
    }
  }
}

const environmentFor = (run: Run, { variables }: Dealt) =>
  environmentOf({
    startedWith: STARTED_WITH,
    variables,
    keepPurser: run.options.keepPurser ?? false,
    ownFolder: ownFolderOf(run)
  })

/** Until the signal says so. Rejects if the program could not be started anew. */
const keepUp = async (run: Run, first: Dealt, signal: AbortSignal): Promise<void> => {
  const { plan, options, clock, program, files, connected, output } = run
  const { watch } = plan
  if (watch === undefined) return
  return new Promise((_, fail) => {
    let hearing = new AbortController()
    let heard: readonly string[] = []
    const watching = createWatching({
      clock,
      jitterMs: options.jitter * 1000,
      checkEveryMs: options.checkEvery * 1000,
      tell,
      read: (ended) => read(run, ended),
      take: async (next, former) => {
        output.hide(next)
        await files.replace(next.files)
        if (watch.by === 'restart') await program.restart(environmentFor(run, next)).catch(fail)
        else if (next.digestOfFiles !== former.digestOfFiles) program.signal(watch.signal)
        else tell('A variable is new, which the program sees at its next start.')
      },
      took: ({ refs }) => {
        // The stream that is open goes on where nothing came or went.
        if (refs.join('\n') === heard.join('\n')) return
        hearing.abort()
        hear(refs)
      }
    })
    const hear = (refs: readonly string[]): void => {
      heard = refs
      hearing = new AbortController()
      const until = AbortSignal.any([hearing.signal, signal])
      const listening = { purser: connected.purser, clock, changed: watching.changed, tell }
      listen(listening, refs, until).catch(fail)
    }
    hear(first.refs)
    watching.run(first, signal).catch(fail)
    connected.session.keep(signal).catch(fail)
  })
}

/** From reading to the end of the program, with our exit code. */
const runProgram = async (run: Run, began: () => void): Promise<number> => {
  const { program, files, output } = run
  const stopped = run.stopped.signal
  const first = await readFirst(run, stopped)
  if (stopped.aborted) return 0
  output.hide(first)
  await files.replace(first.files)
  if (stopped.aborted) return 0
  await program.start(environmentFor(run, first))
  began()
  const over = new AbortController()
  try {
    return await Promise.race([
      program.ended,
      keepUp(run, first, over.signal).then(() => program.ended)
    ])
  } finally {
    over.abort()
  }
}

const createRun = async (words: readonly string[], options: RunOptions): Promise<Run> => {
  const clock = systemClock
  const plan = planOf(options, words, process.cwd())
  const { trust, tokenFile, redact = false, allowDisk = false } = options
  const stopped = new AbortController()
  const login = { trust, tokenFile, stopped: stopped.signal }
  const connected = await connect({ environ: STARTED_WITH, clock, tell, ...login })
  const output = createOutput({ redact, tell })
  const groupFolders = plan.groups.flatMap((one) => (one.as === 'files' ? (one.folder ?? []) : []))
  const program = createProgramRun({
    command: plan.command,
    graceMs: options.grace * 1000,
    clock,
    umask: umaskAtStart(),
    ...(redact && { output: output.carry })
  })
  const files = createFileSet({ allowDisk, groupFolders })
  return { plan, options, connected, clock, files, program, output, stopped }
}

const ENDS_US: ReadonlySet<NodeJS.Signals> = new Set(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'])

/** What a failure is told as, and our exit code. Others than those that were to be expected are thrown on. */
const tellFailure = (error: unknown): number => {
  const isUsage = error instanceof CommandFailure && error.exitCode === 2
  const isExpected = error instanceof CommandFailure || error instanceof Unread
  if (isUsage || !(isExpected || error instanceof RunFailure)) throw error
  for (const line of error.message.split('\n')) tell(line)
  return error instanceof RunFailure ? error.exitCode : NOT_STARTED
}

const runToItsEnd = async (made: Run): Promise<number> => {
  const { stopped } = made
  let isThere = false
  let code: number | undefined
  const silence = onSignals((signal, isToBeSent) => {
    if (isThere) {
      if (isToBeSent) made.program.signal(signal)
    } else if (ENDS_US.has(signal)) {
      code = codeOfSignal(signal)
      stopped.abort()
    }
  })
  // Whatever ends the process.
  process.once('exit', made.files.remove)
  try {
    const ended = await runProgram(made, () => {
      isThere = true
      if (stopped.signal.aborted) made.program.signal('SIGTERM')
    })
    return code ?? ended
  } catch (error) {
    return code ?? tellFailure(error)
  } finally {
    silence()
    made.files.remove()
    made.connected.close()
  }
}

export const run = async (words: readonly string[], options: RunOptions): Promise<void> => {
  try {
    process.exitCode = await runToItsEnd(await createRun(words, options))
  } catch (error) {
    process.exitCode = tellFailure(error)
  }
}
