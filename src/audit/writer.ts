/**
 * Writes the lines of the audit trail to one place, one write at a time. Rule: a write has an outcome within its time,
 * whatever the disk or the reader of a pipe does; and there is none beside one that did not come back, since each would
 * take a thread of Node's four.
 */

import { createPatience, type WindUp } from '../state/deadline.ts'
import { type DayFile, type DayFileOptions, openDayFile } from './day-file.ts'

export type TrailLog = (
  level: 'info' | 'error',
  message: string,
  fields?: Readonly<Record<string, string>>
) => void

/** Where lines go. */
export interface Target {
  /** What the log calls it; undefined for the files of the trail. */
  readonly name?: string
  /** Resolves once the operating system has the text. */
  readonly append: (day: string, text: string) => Promise<void>
  /** Whether the same text may be appended again after a failure, and is there once. */
  readonly mayRepeat?: boolean
  /** What is appended next finds out anew where it goes. */
  readonly forget: () => Promise<void>
}

export interface FilesOptions extends DayFileOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface WriterOptions {
  readonly log: TrailLog
  /** How long a write may take, in milliseconds. */
  readonly patienceMs: number
  /** In place of a timer, for a test that hands time in. */
  readonly windUp?: WindUp | undefined
}

export interface Writer {
  /** Resolves with whether the operating system has the text. To be called once the write before has its outcome. */
  readonly write: (day: string, text: string) => Promise<boolean>
  /** Whether the last write failed. */
  readonly isFailing: () => boolean
  readonly close: () => Promise<void>
}

const LOOK_EVERY_MS = 1_000

/** At most true once in `everyMs` of a clock that may also be set back. */
export const createPacer = (everyMs: number, now: () => number): (() => boolean) => {
  let last = Number.NEGATIVE_INFINITY
  return () => {
    const time = now()
    if (Math.abs(time - last) < everyMs) return false
    last = time
    return true
  }
}

const LATE = Object.assign(new Error('the write did not come back'), { code: 'ETIMEDOUT' })

const errnoOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown'

/** The files of the days. */
export const dayFiles = (options: FilesOptions): Target => {
  const isTimeToLook = createPacer(LOOK_EVERY_MS, options.now)
  let file: DayFile | undefined
  const forget = async (): Promise<void> => {
    const former = file
    file = undefined
    await former?.close().catch(() => {})
  }
  return {
    append: async (day, text) => {
      const isOurs = file?.day === day && !(isTimeToLook() && (await file.wasReplaced()))
      if (!isOurs) await forget()
      file ??= await openDayFile(options, day)
      await file.append(text)
    },
    forget
  }
}

interface Writing {
  readonly target: Target
  readonly log: TrailLog
  isFailing: boolean
  /** A write that did not come back. */
  stuck: Promise<void> | undefined
}

/** Logs where it begins to fail, and where that is over. */
const note = (writing: Writing, failure: unknown): void => {
  const { log, target } = writing
  const sink = target.name && { sink: target.name }
  const wasFailing = writing.isFailing
  writing.isFailing = failure !== undefined
  if (wasFailing && !writing.isFailing) {
    log('info', 'the audit trail is written again', ...(sink ? [sink] : []))
  }
  if (writing.isFailing && !wasFailing) {
    log('error', 'the audit trail cannot be written', { ...sink, code: errnoOf(failure) })
  }
}

export const createWriter = (
  target: Target,
  { log, patienceMs, windUp }: WriterOptions
): Writer => {
  const within = createPatience(patienceMs, LATE, windUp)
  const writing: Writing = { target, log, isFailing: false, stuck: undefined }
  return {
    write: async (day, text) => {
      if (writing.stuck !== undefined) return false
      const outcome = target.append(day, text).then(
        () => undefined,
        (error: unknown) => error
      )
      const failure = await within(outcome)
      note(writing, failure)
      if (failure === LATE) {
        writing.stuck = outcome.then(() => {
          writing.stuck = undefined
          return target.forget()
        })
      } else if (failure !== undefined) {
        // The next write opens the file anew, and so finds out whether a line was cut off.
        void target.forget()
      }
      return failure === undefined
    },
    isFailing: () => writing.isFailing,
    close: async () => {
      if (writing.stuck === undefined) await target.forget()
    }
  }
}
