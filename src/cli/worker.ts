/**
 * The process of one worker, started by the supervisor alone. Rule: it does what the supervisor says, has the settings
 * that the supervisor was started with or does not serve, and ends when the supervisor is gone.
 */
import cluster, { type Worker } from 'node:cluster'
import { readConfig } from '../config/config.ts'
import type { ConfigFault } from '../config/fault.ts'
import { changedSince } from '../config/fixed.ts'
import type { ReloadedBy } from '../config/reloads.ts'
import type { Doctor, Examination } from '../console/doctor.ts'
import { createLogger } from '../telemetry/logger.ts'
import type { FiguresOfWorkers } from '../telemetry/metrics.ts'
import { STARTED_WITH } from './environment.ts'
import { CommandFailure, reportFailure } from './failure.ts'
import type { Order, Word } from './messages.ts'
import { prepareProcess } from './process.ts'
import { quiet } from './quiet.ts'
import type { Control, runService } from './service.ts'
import { logOnStandardOutput } from './standard-output.ts'
import { type ExitCode, stopOnSignals } from './stop.ts'

type Start = Extract<Order, { do: 'start' }>

/** By the number of the question. */
type Waiting<T> = Map<number, (answer: T) => void>

interface Office {
  readonly say: (word: Word) => void
  /** Before the service has been begun: undefined. */
  control: Control | undefined
  /** What waits for an answer of the supervisor. */
  readonly asked: Waiting<readonly ConfigFault[]>
  readonly scraped: Waiting<FiguresOfWorkers>
  readonly examined: Waiting<Examination | undefined>
  /** Of the worker that runs the checks for all. */
  doctor: Doctor | undefined
  asks: number
}

const NOT_RECORDED: ConfigFault = {
  place: 'the configuration',
  message: 'was not taken over, since that cannot be recorded'
}

/** In order, and once: that it is to end is heard from a terminal and from the supervisor. */
const end = ({ control, doctor }: Office, exitCode: ExitCode): void => {
  doctor?.close()
  if (control === undefined) process.exit(exitCode)
  if (!control.isStopping()) control.stop(exitCode)
}

const reload = async ({ control, say }: Office, id: number, by: ReloadedBy): Promise<void> => {
  const faults = (await control?.reload(by).catch(() => [NOT_RECORDED])) ?? []
  say({ say: 'reloaded', id, faults })
}

/** Asks the supervisor. */
const ask = <T>(office: Office, waiting: Waiting<T>, wordOf: (id: number) => Word): Promise<T> =>
  new Promise((resolve) => {
    const id = ++office.asks
    waiting.set(id, resolve)
    office.say(wordOf(id))
  })

const answer = <T>(waiting: Waiting<T>, id: number, given: T): void => {
  waiting.get(id)?.(given)
  waiting.delete(id)
}

/** The time of the request is one of this process's clock. */
const askOthers = (office: Office, by: ReloadedBy): Promise<readonly ConfigFault[]> =>
  ask(office, office.asked, (id) => ({ say: 'ask', id, by: by && { ...by, since: undefined } }))

const askForFigures = (office: Office): Promise<FiguresOfWorkers> =>
  ask(office, office.scraped, (id) => ({ say: 'measure', id }))

const measure = async ({ control, say }: Office, id: number): Promise<void> => {
  const figures = (await control?.figures().catch(() => [])) ?? []
  say({ say: 'measured', id, figures })
}

const askForExamination = async (office: Office): Promise<Examination> => {
  const examination = await ask(office, office.examined, (id) => ({ say: 'examine', id }))
  if (examination === undefined) throw new Error('no worker has run the checks')
  return examination
}

const examine = async (office: Office, id: number): Promise<void> => {
  const { createDoctor } = await import('../console/doctor.ts')
  const { runDoctor } = await import('./run-doctor.ts')
  office.doctor ??= createDoctor({ examine: runDoctor(process.cwd()), now: Date.now })
  const examination = await office.doctor.examination().catch(() => undefined)
  office.say({ say: 'examined', id, examination })
}

const serve = async (
  office: Office,
  { worker, fixed }: Start,
  run: typeof runService
): Promise<void> => {
  const folder = process.cwd()
  const config = readConfig(STARTED_WITH, folder, true)
  const changed = changedSince(fixed, config.settings)
  if (changed.length > 0) {
    throw new CommandFailure(
      `Changed since the service was started, and needing a restart of it: ${changed.join(', ')}.`
    )
  }
  const { number, of } = worker
  const output = logOnStandardOutput()
  const logger = createLogger(config.settings.LOG_LEVEL, output).child({
    worker: number,
    pid: process.pid
  })
  quiet((message, fields) => logger.warn(fields, message))
  const lines: string[] = []
  await run(config, {
    folder,
    logger,
    worker: { number, of },
    control: (control) => {
      office.control = control
    },
    listens: (label, address) => {
      lines.push(`${label} at ${address}`)
      return `takes its turn at ${address}`
    },
    serves: async (origin) => office.say({ say: 'serving', lines, origin }),
    reloadOthers: (by) => askOthers(office, by),
    figuresOfOthers: () => askForFigures(office),
    doctor: () => askForExamination(office)
  })
}

const obey = (office: Office, order: Order, run: typeof runService): void => {
  switch (order.do) {
    case 'start':
      serve(office, order, run).catch((error: unknown) => process.exit(reportFailure(error)))
      break
    case 'reload':
      void reload(office, order.id, order.by)
      break
    case 'hear':
      answer(office.asked, order.id, order.faults)
      break
    case 'measure':
      void measure(office, order.id)
      break
    case 'show':
      answer(office.scraped, order.id, order.figures)
      break
    case 'examine':
      void examine(office, order.id)
      break
    case 'report':
      answer(office.examined, order.id, order.examination)
      break
    case 'end':
      end(office, order.exitCode)
  }
}

const work = async (worker: Worker): Promise<void> => {
  // As `purser serve` does it.
  await import('typebox')
  const { runService } = await import('./service.ts')
  const office: Office = {
    // Without the supervisor there is nobody to tell.
    say: (word) => void worker.send(word, () => {}),
    control: undefined,
    asked: new Map(),
    scraped: new Map(),
    examined: new Map(),
    doctor: undefined,
    asks: 0
  }
  stopOnSignals(() => end(office, 0))
  worker.on('message', (order: Order) => obey(office, order, runService))
  worker.on('disconnect', () => {
    // Otherwise Node ends the process here and now.
    worker.exitedAfterDisconnect = true
    end(office, 1)
  })
  office.say({ say: 'there' })
}

prepareProcess()
// The supervisor passes it on.
process.on('SIGHUP', () => {})
if (cluster.worker === undefined) {
  process.exitCode = reportFailure(new CommandFailure('A worker is started by `purser serve`.', 2))
} else {
  await work(cluster.worker)
}
