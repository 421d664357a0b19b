/**
 * Where records go, all of them as one writer. Rule: a required sink that fails, fails the write; an optional one gets
 * what the required ones have, holds nobody up, and keeps no more than a bound for later.
 */
import { createWriter, type Target, type Writer, type WriterOptions } from './writer.ts'

export const SINK_NAMES = ['file', 'stdout'] as const
export type SinkName = (typeof SINK_NAMES)[number]

export interface SinkChoice {
  readonly name: SinkName
  readonly isRequired: boolean
}

export const FILE_ALONE: readonly SinkChoice[] = [{ name: 'file', isRequired: true }]

export interface Sinks extends Writer {
  /** The optional ones that fail. */
  readonly failing: () => readonly SinkName[]
  /** Tries those with a blank line. */
  readonly tryFailing: (day: string) => void
}

/** Characters that wait for an optional sink: some thousands of records. */
const WAITING_MAX = 1024 * 1024
/** A blank line: it is there to find out whether a sink can be written. */
const BLANK = '\n'

interface Optional {
  readonly offer: (day: string, text: string) => void
  readonly isFailing: () => boolean
  readonly close: () => Promise<void>
}

/** A target whose text comes when it can be taken. What finds no room is lost, and counts as a failure until it is taken. */
const createOptional = (target: Target, { log, ...options }: WriterOptions): Optional => {
  const writer = createWriter(target, { log, ...options })
  const waiting: { day: string; text: string }[] = []
  let size = 0
  let lost = 0
  let running: Promise<void> | undefined

  const run = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const isWritten = await writer.write(next.day, next.text)
      size -= next.text.length
      if (!isWritten) lost++
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
        lost++
        return
      }
      const last = waiting.at(-1)
      size += text.length
      if (last?.day === day) last.text += text
      else waiting.push({ day, text })
      running ??= Promise.resolve().then(run)
    },
    isFailing: () => writer.isFailing() || lost > 0,
    close: async () => {
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
    .map(({ name }) => createWriter(targetOf(name), options))
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
    tryFailing: (day) => {
      for (const one of failing()) one.offer(day, BLANK)
    },
    close: async () => {
      await Promise.all([...required, ...optional].map((one) => one.close()))
    }
  }
}
