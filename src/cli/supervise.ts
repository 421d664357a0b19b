/**
 * The supervisor of WORKERS processes that serve together. Rule: it opens no store, no state and no listener of its own
 * accord, and keeps no secret; while one worker serves, another one that ends is replaced; where none serves and one
 * cannot start, all of it ends with that worker's exit code, for whoever runs the service to know.
 */
import cluster, { type Worker } from 'node:cluster'
import { fileURLToPath } from 'node:url'
import type { Logger } from 'pino'
import { type Fixed, fixedIn } from '../config/fixed.ts'
import type { ReloadedBy } from '../config/reloads.ts'
import type { Settings } from '../config/settings.ts'
import type { Examination } from '../console/doctor.ts'
import type { Figures } from '../telemetry/metrics.ts'
import { type Asking, createAsking } from './ask-all.ts'
import { isSettled, waitMs } from './back-off.ts'
import { createHandover } from './handover.ts'
import type { Order, Word } from './messages.ts'
import { createReloads, type Reloads } from './reload-all.ts'
import { createStop, SHUTDOWN_MS, type Stop, stopOnFailure, stopOnSignals } from './stop.ts'

const PROGRAM = fileURLToPath(new URL('./worker.js', import.meta.url))

/** What a worker has beyond its own bound to end, before it is killed. */
const GRACE_MS = 1_000

/** A little longer than the checks may take in the worker that runs them. */
const EXAMINED_WITHIN_MS = 65_000

/** Less than any scraper waits. */
const FIGURES_WITHIN_MS = 2_000

/** The place of a worker, in which one process follows another. */
interface Slot {
  readonly number: number
  worker: Worker | undefined
  /** Hears. */
  isThere: boolean
  servesSince: number | undefined
  /** Ends in a row of which none was preceded by a while of serving. */
  failures: number
}

interface TeamStop extends Stop {
  /** A worker has ended, in order or not. */
  readonly noteEnd: (inOrder: boolean) => void
}

interface Team {
  readonly logger: Logger
  readonly fixed: Fixed
  readonly slots: readonly Slot[]
  readonly reloads: Reloads<Slot>
  readonly figures: Asking<Slot, Figures>
  readonly examinations: Asking<Slot, Examination | undefined>
  readonly serves: (origin: string) => Promise<void>
  /** What the log has said of listeners. */
  readonly told: Set<string>
  readonly stop: TeamStop
  readonly watchHandover: ReturnType<typeof createHandover>
}

/** That a worker is gone already is heard as its end. */
const send = ({ worker }: Slot, order: Order): void => {
  if (worker?.isConnected()) worker.send(order, () => {})
}

const greet = ({ fixed, slots, stop }: Team, slot: Slot): void => {
  slot.isThere = true
  if (stop.isStopping()) send(slot, { do: 'end', exitCode: 0 })
  else send(slot, { do: 'start', worker: { number: slot.number, of: slots.length }, fixed })
}

const noteServing = (team: Team, slot: Slot, lines: readonly string[], origin: string): void => {
  const { logger, told, slots, serves } = team
  const isFirst = told.size === 0
  slot.servesSince = performance.now()
  for (const line of lines.filter((one) => !told.has(one))) {
    told.add(line)
    logger.info(line)
  }
  if (!isFirst) return
  void serves(origin)
  for (const other of slots) if (other !== slot) start(team, other)
}

const askOthers = async ({ slots, reloads }: Team, slot: Slot, id: number, by: ReloadedBy) => {
  const others = slots.filter((other) => other !== slot)
  send(slot, { do: 'hear', id, faults: await reloads.all(others, by) })
}

/** The figures of the other workers; of one that gives none, none. */
const showOthers = async ({ slots, figures }: Team, slot: Slot, id: number) => {
  const others = slots.filter((other) => other !== slot && other.servesSince !== undefined)
  const told = await figures.all(others, (asked) => ({ do: 'measure', id: asked }))
  send(slot, { do: 'show', id, figures: told.map(([{ number }, own]) => [number, own]) })
}

/** One worker runs the checks for all. */
const examine = async ({ slots, examinations }: Team, slot: Slot, id: number) => {
  const first = slots.filter(({ servesSince }) => servesSince !== undefined).slice(0, 1)
  const [told] = await examinations.all(first, (asked) => ({ do: 'examine', id: asked }))
  send(slot, { do: 'report', id, examination: told?.[1] })
}

const hear = (team: Team, slot: Slot, word: Word): void => {
  if (word.say === 'there') greet(team, slot)
  else if (word.say === 'serving') noteServing(team, slot, word.lines, word.origin)
  else if (word.say === 'reloaded') team.reloads.done(slot, word.id, word.faults)
  else if (word.say === 'measured') team.figures.done(slot, word.id, word.figures)
  else if (word.say === 'examined') team.examinations.done(slot, word.id, word.examination)
  else if (word.say === 'examine') void examine(team, slot, word.id)
  else if (word.say === 'measure') void showOthers(team, slot, word.id)
  else void askOthers(team, slot, word.id, word.by)
}

const noteEnd = (team: Team, slot: Slot, code: number | null, signal: string | null): void => {
  const { logger, slots, reloads, figures, examinations, stop } = team
  const { servesSince, worker } = slot
  const facts = { worker: slot.number, pid: worker?.process.pid, code, signal }
  Object.assign(slot, { worker: undefined, isThere: false, servesSince: undefined })
  reloads.gone(slot)
  figures.gone(slot)
  examinations.gone(slot)
  if (stop.isStopping()) {
    // By such a signal only a worker ends that has not begun to listen to signals: it has nothing under way.
    stop.noteEnd(code === 0 || signal === 'SIGTERM' || signal === 'SIGINT')
    return
  }
  if (servesSince === undefined && slots.every((one) => one.servesSince === undefined)) {
    logger.fatal(facts, 'a worker cannot start and none serves: the service ends')
    stop.stop(1)
    return
  }
  const hasSettled = servesSince !== undefined && isSettled(performance.now() - servesSince)
  slot.failures = hasSettled ? 1 : slot.failures + 1
  const inMs = waitMs(slot.failures)
  logger.error({ ...facts, inMs }, 'a worker ended: another one takes its place')
  setTimeout(() => {
    if (!stop.isStopping()) start(team, slot)
  }, inMs)
}

const start = (team: Team, slot: Slot): void => {
  const worker = cluster.fork()
  slot.worker = worker
  team.watchHandover(worker)
  worker.on('message', (word: Word) => hear(team, slot, word))
  worker.on('exit', (code, signal) => noteEnd(team, slot, code, signal))
  // Of a process that did not come about there is no other word.
  worker.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (worker.process.pid === undefined) noteEnd(team, slot, null, code ?? null)
  })
}

/** All workers at once, each after its requests under way. */
const createTeamStop = (slots: readonly Slot[], logger: Logger, drainMs: number): TeamStop => {
  const present = (): Slot[] => slots.filter(({ worker }) => worker !== undefined)
  let isWell = true
  let look = (): void => {}
  const stop = createStop({
    logger,
    drainMs,
    patienceMs: SHUTDOWN_MS + GRACE_MS,
    end: (exitCode) =>
      new Promise((resolve) => {
        look = () => {
          if (present().length === 0) resolve(isWell ? exitCode : 1)
        }
        // One that does not hear yet is told when it does.
        for (const slot of present()) if (slot.isThere) send(slot, { do: 'end', exitCode })
        look()
      }),
    cutOff: () => {
      for (const { worker } of present()) worker?.process.kill('SIGKILL')
    }
  })
  return {
    ...stop,
    noteEnd: (inOrder) => {
      isWell &&= inOrder
      look()
    }
  }
}

const createSlots = (count: number): Slot[] =>
  Array.from({ length: count }, (_, i) => ({
    number: i + 1,
    worker: undefined,
    isThere: false,
    servesSince: undefined,
    failures: 0
  }))

/**
 * Starts the first worker, and the others once it serves, so that what keeps all of them from serving is told once.
 * `serves` is called when the first one does.
 */
export const supervise = (
  settings: Settings,
  logger: Logger,
  serves: (origin: string) => Promise<void>
): void => {
  const slots = createSlots(settings.WORKERS)
  const stop = createTeamStop(slots, logger, settings.DRAIN_SECONDS * 1000)
  const reloads = createReloads<Slot>(send)
  const figures = createAsking<Slot, Figures>(send, {
    patienceMs: FIGURES_WITHIN_MS,
    late: [],
    gone: []
  })
  const examinations = createAsking<Slot, Examination | undefined>(send, {
    patienceMs: EXAMINED_WITHIN_MS,
    late: undefined,
    gone: undefined
  })
  const team: Team = {
    logger,
    fixed: fixedIn(settings),
    slots,
    reloads,
    figures,
    examinations,
    serves,
    told: new Set(),
    stop,
    watchHandover: createHandover()
  }
  stopOnFailure(stop, logger)
  stopOnSignals(() => stop.stop(0))
  process.on('SIGHUP', () => void reloads.all(slots, undefined))
  cluster.setupPrimary({ exec: PROGRAM, args: [] })
  // Not left to the environment: without it the system gives most connections to few workers.
  cluster.schedulingPolicy = cluster.SCHED_RR
  const [first] = slots
  if (first !== undefined) start(team, first)
}
