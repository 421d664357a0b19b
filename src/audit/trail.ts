/**
 * The audit trail: one line an event, in one file a day. Rule: an append is done when the operating system has the line,
 * or it fails; it never waits for ever. The appends of one turn of the event loop are one write, and what is appended
 * while a write is under way is the next.
 */
import { join } from 'node:path'
import type { AuditEvent } from '../core/audit-event.ts'
import { ProblemError } from '../core/problem.ts'
import { type DayFile, openDayFile } from './day-file.ts'
import { lineOf } from './line.ts'

export interface Trail {
  /** Throws ProblemError `audit_unavailable`: the event may then be on record or not. */
  readonly append: (event: AuditEvent) => Promise<void>
  /**
   * For readiness: whether the last write went well. If not, a blank line is tried in the background, once a second at
   * most, since a service that is not ready may have no events to try with.
   */
  readonly isWritable: () => boolean
  /** Resolves once everything appended before is written or has failed. May be called twice. */
  readonly close: () => Promise<void>
}

export interface TrailOptions {
  /** The trail stands in `audit/` below it. */
  readonly directory: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Whether an append waits for the disk too. */
  readonly fsync: boolean
  readonly log?: (
    level: 'info' | 'error',
    message: string,
    fields?: Readonly<Record<string, string>>
  ) => void
  /** How long a write may take, in milliseconds. */
  readonly patienceMs?: number
}

interface Group {
  readonly day: string
  text: string
  readonly done: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

const PATIENCE_MS = 2_000
const CHECK_EVERY_MS = 1_000

const unavailable = (): ProblemError => new ProblemError('audit_unavailable', { retryAfter: 1 })

const createGroup = (day: string): Group => {
  let resolve = (): void => {}
  let reject = (_error: Error): void => {}
  const done = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { day, text: '', done, resolve, reject }
}

/** At most true once in `everyMs` of a clock that may also be set back. */
const createPacer = (everyMs: number, now: () => number): (() => boolean) => {
  let last = Number.NEGATIVE_INFINITY
  return () => {
    const time = now()
    if (Math.abs(time - last) < everyMs) return false
    last = time
    return true
  }
}

/** The time as ISO 8601: many events share a millisecond, and to write one costs as much as half the rest of its line. */
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

const LATE = Object.assign(new Error('the write did not come back'), { code: 'ETIMEDOUT' })

/** However long the event loop stands still, it takes one of these, and what was finished meanwhile is heard before the next. */
const PARTS = 4

/**
 * What an outcome is, or LATE if there is none after so many milliseconds in which this process was awake; for one at a
 * time. Its timer is wound up again for each: a timer and a race of promises for each write took as long as a line.
 */
const createDeadline = (ms: number): ((outcome: Promise<unknown>) => Promise<unknown>) => {
  let giveUp = (_late: unknown): void => {}
  let left = 0
  const timer = setTimeout(() => {
    left--
    if (left > 0) timer.refresh()
    else giveUp(LATE)
  }, ms / PARTS).unref()
  return (outcome) =>
    new Promise((resolve) => {
      giveUp = resolve
      left = PARTS
      timer.refresh()
      void outcome.then(resolve)
    })
}

const errnoOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown'

export const createTrail = (options: TrailOptions): Trail => {
  const { now, fsync, log = () => {}, patienceMs = PATIENCE_MS } = options
  const folder = join(options.directory, 'audit')
  const clock = createClock(now)
  const within = createDeadline(patienceMs)
  const isTimeToLook = createPacer(CHECK_EVERY_MS, now)
  const isTimeToTry = createPacer(CHECK_EVERY_MS, now)

  const waiting: Group[] = []
  let file: DayFile | undefined
  let isFailing = false
  let running: Promise<void> | undefined
  /** A write that did not come back. There is none beside it: each would take a thread of Node's four. */
  let stuck: Promise<void> | undefined
  let closing: Promise<void> | undefined

  const letGo = async (): Promise<void> => {
    const former = file
    file = undefined
    await former?.close().catch(() => {})
  }

  const write = async ({ day, text }: Group): Promise<void> => {
    const isOurs = file?.day === day && !(isTimeToLook() && (await file.wasReplaced()))
    if (!isOurs) await letGo()
    file ??= await openDayFile(folder, day, fsync)
    await file.append(text)
  }

  const attempt = async (group: Group): Promise<void> => {
    const outcome = write(group).then(
      () => undefined,
      (error: unknown) => error
    )
    const failure = await within(outcome)
    const wasFailing = isFailing
    isFailing = failure !== undefined
    if (failure === undefined) {
      if (wasFailing) log('info', 'the audit trail is written again')
      group.resolve()
      return
    }
    if (!wasFailing) log('error', 'the audit trail cannot be written', { code: errnoOf(failure) })
    if (failure === LATE) {
      stuck = outcome.then(() => {
        stuck = undefined
        return letGo()
      })
    } else {
      // The next group opens the file anew, and so finds out whether a line was cut off.
      void letGo()
    }
    group.reject(unavailable())
  }

  const run = async (): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve))
    for (let group = waiting.shift(); group !== undefined; group = waiting.shift()) {
      if (stuck === undefined) await attempt(group)
      else group.reject(unavailable())
    }
    running = undefined
  }

  /** The group that will be written next with the events of this day. */
  const groupOf = (day: string): Group => {
    let group = waiting.at(-1)
    if (group?.day !== day) {
      group = createGroup(day)
      waiting.push(group)
    }
    running ??= run()
    return group
  }

  const add = (text: (time: string) => string): Promise<void> => {
    if (closing !== undefined) return Promise.reject(unavailable())
    const time = clock()
    const group = groupOf(time.slice(0, 10))
    group.text += text(time)
    return group.done
  }

  return {
    append: (event) => add((time) => lineOf(time, event)),

    isWritable: () => {
      if (isFailing && isTimeToTry()) add(() => '\n').catch(() => {})
      return !isFailing
    },

    close: () => {
      closing ??= (async () => {
        await running
        if (stuck === undefined) await letGo()
      })()
      return closing
    }
  }
}
