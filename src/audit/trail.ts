/**
 * The audit trail: one line an event, in one file a day. Rule: an append is done when the operating system has the
 * line, or it fails; it never waits for ever. The appends of one turn of the event loop are one write, and what is
 * appended while a write is under way is the next.
 */
import { join } from 'node:path'
import type { AuditEvent } from '../core/audit-event.ts'
import { ProblemError } from '../core/problem.ts'
import { lineOf } from './line.ts'
import { createPacer, createWriter, type TrailLog } from './writer.ts'

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
  /** The number of this process where several write below that folder: each has files of its own. */
  readonly worker?: number | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Whether an append waits for the disk too. */
  readonly fsync: boolean
  readonly log?: TrailLog
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
const TRY_EVERY_MS = 1_000

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

export const createTrail = (options: TrailOptions): Trail => {
  const { directory, now, log = () => {}, patienceMs = PATIENCE_MS } = options
  const writer = createWriter({ ...options, folder: join(directory, 'audit'), log, patienceMs })
  const clock = createClock(now)
  const isTimeToTry = createPacer(TRY_EVERY_MS, now)
  const waiting: Group[] = []
  let running: Promise<void> | undefined
  let closing: Promise<void> | undefined

  const run = async (): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve))
    for (let group = waiting.shift(); group !== undefined; group = waiting.shift()) {
      if (await writer.write(group.day, group.text)) group.resolve()
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
      if (writer.isFailing() && isTimeToTry()) add(() => '\n').catch(() => {})
      return !writer.isFailing()
    },

    close: () => {
      closing ??= (async () => {
        await running
        await writer.close()
      })()
      return closing
    }
  }
}
