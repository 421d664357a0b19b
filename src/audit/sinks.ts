/**
 * Where records go, all of them as one writer. Rule: a required sink that fails, fails the write; an optional one gets
 * what the required ones have, holds nobody up, and keeps no more than a bound for later.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  createPacer,
  createWriter,
  type Target,
  type Writer,
  type WriterOptions
} from './writer.ts'

export const SINK_NAMES = ['file', 'stdout', 'redis'] as const
export type SinkName = (typeof SINK_NAMES)[number]

export interface SinkChoice {
  readonly name: SinkName
  readonly isRequired: boolean
}

export const hasSink = (choices: readonly SinkChoice[], sought: SinkName): boolean =>
  choices.some(({ name }) => name === sought)

export const FILE_ALONE: readonly SinkChoice[] = [{ name: 'file', isRequired: true }]

export interface SinkFigures {
  readonly name: SinkName
  readonly isFailing: boolean
  /** Groups of records that an optional one did not get. */
  readonly lost: number
}

export interface Sinks extends Writer {
  /** The optional ones that fail. */
  readonly failing: () => readonly SinkName[]
  readonly figures: () => readonly SinkFigures[]
  /** Tries those with a blank line. */
  readonly tryFailing: (day: string) => void
}

/** Characters that wait for an optional sink: some thousands of records. */
const WAITING_MAX = 1024 * 1024
const AGAIN_MS = 1_000
/** A blank line: it is there to find out whether a sink can be written. */
const BLANK = '\n'

interface Optional {
  readonly offer: (day: string, text: string) => void
  readonly isFailing: () => boolean
  /** Groups, since it was made. */
  readonly lost: () => number
  readonly close: () => Promise<void>
}

/** A target whose text comes when it can be taken. What finds no room is lost, and counts as a failure until it is taken. */
const createOptional = (target: Target, { log, ...options }: WriterOptions): Optional => {
  const writer = createWriter(target, { log, ...options })
  const waiting: { day: string; text: string }[] = []
  let size = 0
  let lost = 0
  let lostInAll = 0
  let running: Promise<void> | undefined
  const closing = new AbortController()
  const lose = (): void => {
    lost++
    lostInAll++
  }

  /** What may be repeated waits for its turn as long as there is room behind it. */
  const write = async ({ day, text }: { day: string; text: string }): Promise<boolean> => {
    for (;;) {
      if (await writer.write(day, text)) return true
      if (target.mayRepeat !== true || closing.signal.aborted) return false
      await sleep(AGAIN_MS, undefined, { ref: false, signal: closing.signal }).catch(() => {})
    }
  }

  const run = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const isWritten = await write(next)
      size -= next.text.length
      if (!isWritten) lose()
    }
    running = undefined
    if (lost === 0 || writer.isFailing()) return
    log('error', 'groups of records did not reach an optional sink of the audit trail', {
      sink: target.name ?? 'file',
      lost: String(lost)
    })
    lost = 0
  }

  return {
    offer: (day, text) => {
      if (size + text.length > WAITING_MAX) {
        lose()
        return
      }
      const last = waiting.at(-1)
      size += text.length
      if (last?.day === day) last.text += text
      else waiting.push({ day, text })
      running ??= Promise.resolve().then(run)
    },
    isFailing: () => writer.isFailing() || lost > 0,
    lost: () => lostInAll,
    close: async () => {
      closing.abort()
      await running
      await writer.close()
    }
  }
}

export interface SinksOptions extends WriterOptions {
  readonly choices: readonly SinkChoice[]
  readonly targetOf: (name: SinkName) => Target
}

export const createSinks = ({ choices, targetOf, ...options }: SinksOptions): Sinks => {
  const required = choices
    .filter(({ isRequired }) => isRequired)
    .map(({ name }) => ({ name, ...createWriter(targetOf(name), options) }))
  const optional = choices
    .filter(({ isRequired }) => !isRequired)
    .map(({ name }) => ({ name, ...createOptional(targetOf(name), options) }))
  const isFailing = (): boolean => required.some((writer) => writer.isFailing())
  const failing = () => optional.filter((one) => one.isFailing())

  return {
    write: async (day, text) => {
      // A blank line is for those alone that do not work.
      const asked = text === BLANK ? required.filter((writer) => writer.isFailing()) : required
      const outcomes = await Promise.all(asked.map((writer) => writer.write(day, text)))
      const isWritten = outcomes.every(Boolean)
      if (isWritten && text !== BLANK) for (const one of optional) one.offer(day, text)
      return isWritten
    },
    isFailing,
    failing: () => failing().map(({ name }) => name),
    figures: () =>
      [...required.map((one) => ({ ...one, lost: () => 0 })), ...optional].map(
        ({ name, isFailing, lost }) => ({ name, isFailing: isFailing(), lost: lost() })
      ),
    tryFailing: (day) => {
      for (const one of failing()) one.offer(day, BLANK)
    },
    close: async () => {
      await Promise.all([...required, ...optional].map((one) => one.close()))
    }
  }
}

export const TRY_EVERY_MS = 1_000

/** What a trail tells of its sinks; optional ones that fail are tried once in a while. */
export const watchSinks = (
  sinks: Sinks,
  now: () => number
): { readonly failingSinks: Sinks['failing']; readonly sinkFigures: Sinks['figures'] } => {
  const isTimeToTry = createPacer(TRY_EVERY_MS, now)
  return {
    sinkFigures: sinks.figures,
    failingSinks: () => {
      const failing = sinks.failing()
      if (failing.length > 0 && isTimeToTry()) {
        sinks.tryFailing(new Date(now()).toISOString().slice(0, 10))
      }
      return failing
    }
  }
}
