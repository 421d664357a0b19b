/**
 * Writes the lines of the audit trail, one write at a time. Rule: a write has an outcome within its time, whatever the
 * disk does; and there is none beside one that did not come back, since each would take a thread of Node's four.
 */

import { createPatience } from '../state/deadline.ts'
import { type DayFile, type DayFileOptions, openDayFile } from './day-file.ts'

export type TrailLog = (
  level: 'info' | 'error',
  message: string,
  fields?: Readonly<Record<string, string>>
) => void

export interface WriterOptions extends DayFileOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly log: TrailLog
  /** How long a write may take, in milliseconds. */
  readonly patienceMs: number
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

interface Writing {
  readonly options: WriterOptions
  readonly isTimeToLook: () => boolean
  file: DayFile | undefined
  isFailing: boolean
  /** A write that did not come back. */
  stuck: Promise<void> | undefined
}

const closeFile = async (writing: Writing): Promise<void> => {
  const former = writing.file
  writing.file = undefined
  await former?.close().catch(() => {})
}

const writeTo = async (writing: Writing, day: string, text: string): Promise<void> => {
  const { options, file, isTimeToLook } = writing
  const isOurs = file?.day === day && !(isTimeToLook() && (await file.wasReplaced()))
  if (!isOurs) await closeFile(writing)
  writing.file ??= await openDayFile(options, day)
  await writing.file.append(text)
}

/** Logs where it begins to fail, and where that is over. */
const note = (writing: Writing, failure: unknown): void => {
  const { log } = writing.options
  const wasFailing = writing.isFailing
  writing.isFailing = failure !== undefined
  if (wasFailing && !writing.isFailing) log('info', 'the audit trail is written again')
  if (writing.isFailing && !wasFailing) {
    log('error', 'the audit trail cannot be written', { code: errnoOf(failure) })
  }
}

export const createWriter = (options: WriterOptions): Writer => {
  const within = createPatience(options.patienceMs, LATE)
  const writing: Writing = {
    options,
    isTimeToLook: createPacer(LOOK_EVERY_MS, options.now),
    file: undefined,
    isFailing: false,
    stuck: undefined
  }
  return {
    write: async (day, text) => {
      if (writing.stuck !== undefined) return false
      const outcome = writeTo(writing, day, text).then(
        () => undefined,
        (error: unknown) => error
      )
      const failure = await within(outcome)
      note(writing, failure)
      if (failure === LATE) {
        writing.stuck = outcome.then(() => {
          writing.stuck = undefined
          return closeFile(writing)
        })
      } else if (failure !== undefined) {
        // The next write opens the file anew, and so finds out whether a line was cut off.
        void closeFile(writing)
      }
      return failure === undefined
    },
    isFailing: () => writing.isFailing,
    close: async () => {
      if (writing.stuck === undefined) await closeFile(writing)
    }
  }
}
