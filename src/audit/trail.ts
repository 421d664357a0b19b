/**
 * The audit trail: one line an event, in one file a day, each in the chain of this process. Rule: an append is done
 * when the operating system has the line, or it fails; it never waits for ever. The appends of one turn of the event
 * loop are one write, and what is appended while a write is under way is the next.
 */
import { join } from 'node:path'
import type { AuditEvent } from '../core/audit-event.ts'
import { ProblemError } from '../core/problem.ts'
import { type WindUp, withDeadline } from '../state/deadline.ts'
import { type BeginKey, beginChain, type Chain } from './chain.ts'
import { type Anchor, GROUP_MAX } from './chain-line.ts'
import { createGroup, type Group } from './group.ts'
import { bodyOf } from './line.ts'
import { predecessorIn } from './predecessor.ts'
import {
  createSinks,
  FILE_ALONE,
  type SinkChoice,
  type SinkFigures,
  type SinkName,
  type Sinks,
  TRY_EVERY_MS,
  watchSinks
} from './sinks.ts'
import { stdoutTarget } from './stdout.ts'
import { createTrailCount, type TrailFigures } from './trail-count.ts'
import { createPacer, dayFiles, type Target, type TrailLog, type Writer } from './writer.ts'

export interface Trail {
  /** Throws ProblemError `audit_unavailable`: the event may then be on record or not. */
  readonly append: (event: AuditEvent) => Promise<void>
  /**
   * For readiness: whether the last write went well. If not, a blank line is tried in the background, once a second at
   * most, since a service that is not ready may have no events to try with.
   */
  readonly isWritable: () => boolean
  /** Seals the segment of a day that is over, in the background. Otherwise the next event does. */
  readonly endDay: () => void
  /** The optional sinks that fail; they are tried in the background likewise. */
  readonly failingSinks: () => readonly SinkName[]
  /** The last line that is on record; undefined before the first. */
  readonly anchor: () => Anchor | undefined
  readonly figures: () => TrailFigures
  readonly sinkFigures: () => readonly SinkFigures[]
  /** Resolves once everything appended before is written or has failed, and the segment is sealed. May be called twice. */
  readonly close: () => Promise<void>
}

export interface TrailOptions {
  /** The trail stands in `audit/` below it. */
  readonly directory: string
  /** Who writes, where several do below that folder, as `2` or `cli`: each has files of its own. */
  readonly writer?: string | undefined
  readonly beginKey: BeginKey
  /** In place of the chain, whose cost the bench measures by leaving it out. */
  readonly beginChain?: typeof beginChain | undefined
  /** Told of the first group of an instance, and of each seal, once it is on record. */
  readonly onAnchor?: (anchor: Anchor) => void
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Whether an append waits for the disk too. */
  readonly fsync: boolean
  readonly log?: TrailLog
  /** Whether others may write to the same files at the same time. */
  readonly isShared?: boolean
  /** How long a write may take, in milliseconds. */
  readonly patienceMs?: number
  readonly windUp?: WindUp
  /** Absent: the files alone, and they are required. */
  readonly sinks?: readonly SinkChoice[]
  /** In place of standard output. */
  readonly stdout?: Target
  /** Where `sinks` has redis. */
  readonly redis?: Target | undefined
}

const PATIENCE_MS = 2_000

const unavailable = (): ProblemError => new ProblemError('audit_unavailable', { retryAfter: 1 })

/** The time as ISO 8601: many events share a millisecond, and to print one costs half as much as the rest of a line. */
const createClock = (now: () => number): (() => string) => {
  let last = Number.NaN
  let text = ''
  return () => {
    const time = now()
    if (time !== last) {
      last = time
      text = new Date(time).toISOString()
    }
    return text
  }
}

/** The chain of this process with what of it is on record. */
const createLinked = (options: TrailOptions, folder: string, writer: Writer) => {
  const { beginKey, onAnchor = () => {}, log = () => {}, patienceMs = PATIENCE_MS } = options
  const beginning = options.beginChain ?? beginChain
  const found = withDeadline(
    patienceMs,
    () => predecessorIn(folder, options.writer),
    () => new Error('the trail cannot be read')
  ).catch(() => undefined)
  let chain: Chain | undefined
  let recorded: Anchor | undefined

  const before = async () => {
    // What is in the files after a write that failed is not known, nor while others write there.
    if (recorded !== undefined) return { after: recorded }
    const { after, found: last } = (await found) ?? { after: undefined, found: undefined }
    return options.isShared ? { after } : { after, found: last }
  }

  const begin = async (): Promise<Chain> => await beginning({ beginKey, ...(await before()) })

  /** What could not be written ends the chain: whether it is in the file, and how much of it, is not known. */
  const write = async (ours: Chain, day: string, text: string): Promise<boolean> => {
    const isWritten = await writer.write(day, text)
    if (isWritten) recorded = ours.anchor()
    chain = isWritten ? ours : undefined
    return isWritten
  }

  const seal = async (time: string): Promise<void> => {
    const day = chain?.day()
    if (chain === undefined || day === undefined) return
    if (await write(chain, day, chain.seal(time))) onAnchor(chain.anchor())
  }

  return {
    recorded: () => recorded,
    seal,
    day: () => chain?.day(),
    write: async ({ time, day, bodies, isTurn }: Group): Promise<boolean> => {
      if (bodies.length === 0 && !isTurn) return await writer.write(day, '\n')
      if (chain !== undefined && chain.day() !== day) await seal(time)
      if (bodies.length === 0) return true
      const isNew = chain === undefined
      try {
        chain ??= await begin()
      } catch {
        log('error', 'the audit trail cannot begin a chain')
        return false
      }
      const ours = chain
      const isWritten = await write(ours, day, ours.link(day, time, bodies))
      if (isWritten && isNew) onAnchor(ours.anchor())
      return isWritten
    }
  }
}

const openSinks = (options: TrailOptions, folder: string): Sinks => {
  const { sinks: choices = FILE_ALONE, stdout, redis } = options
  const { log = () => {}, patienceMs = PATIENCE_MS, windUp } = options
  const targetOf = (name: SinkName): Target => {
    if (name === 'file') return dayFiles({ ...options, folder })
    if (name === 'stdout') return stdout ?? stdoutTarget()
    if (redis === undefined) throw new Error('the sink redis needs a Redis')
    return redis
  }
  return createSinks({ choices, targetOf, log, patienceMs, windUp })
}

export const createTrail = (options: TrailOptions): Trail => {
  const { directory, now } = options
  const folder = join(directory, 'audit')
  const writer = openSinks(options, folder)
  const linked = createLinked(options, folder, writer)
  const clock = createClock(now)
  const isTimeToTry = createPacer(TRY_EVERY_MS, now)
  const waiting: Group[] = []
  let running: Promise<void> | undefined
  let closing: Promise<void> | undefined
  const count = createTrailCount(now)

  const run = async (): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve))
    for (let group = waiting.shift(); group !== undefined; group = waiting.shift()) {
      count.begins(group)
      const isWritten = await linked.write(group)
      count.ended(group, isWritten)
      if (isWritten) group.resolve()
      else group.reject(unavailable())
    }
    running = undefined
  }

  /** The group that will be written next with the events of this day. */
  const groupOf = (time: string): Group => {
    const day = time.slice(0, 10)
    let group = waiting.at(-1)
    if (group?.day !== day || group.bodies.length === GROUP_MAX) {
      group = createGroup(time, day)
      waiting.push(group)
    }
    running ??= run()
    return group
  }

  return {
    append: (event) => {
      if (closing !== undefined) return Promise.reject(unavailable())
      const time = clock()
      const group = groupOf(time)
      group.bodies.push(bodyOf(time, event))
      return group.done
    },

    isWritable: () => {
      if (writer.isFailing() && isTimeToTry() && closing === undefined) {
        groupOf(clock()).done.catch(() => {})
      }
      return !writer.isFailing()
    },

    endDay: () => {
      const time = clock()
      const day = linked.day()
      if (closing !== undefined || running !== undefined || day === undefined) return
      if (day !== time.slice(0, 10)) groupOf(time).isTurn = true
    },

    ...watchSinks(writer, now),
    anchor: linked.recorded,
    figures: () => count.figures(waiting[0], writer.isFailing()),

    close: () => {
      closing ??= (async () => {
        await running
        await linked.seal(clock())
        await writer.close()
      })()
      return closing
    }
  }
}
