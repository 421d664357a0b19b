/** `purser audit tail` and `purser audit export`: the records of this folder's service, as they stand or as others read them. */
import { setTimeout as sleep } from 'node:timers/promises'
import { toEcs } from '../audit/ecs.ts'
import { followTrail } from '../audit/follow.ts'
import { toOcsf } from '../audit/ocsf.ts'
import { readPieces } from '../audit/read-lines.ts'
import { recordIn, type TrailRecord } from '../audit/record.ts'
import { segmentFilesIn } from '../audit/segments.ts'
import { whyUnread } from '../config/fault.ts'
import { trailFolder } from './audit-folder.ts'
import { CommandFailure } from './failure.ts'
import { print } from './io.ts'

export interface TailOptions {
  /** ISO 8601 in UTC, as records have it. */
  readonly since?: string
  readonly json?: boolean
}

const LOOK_EVERY_MS = 500

/** Nothing of it can steer a terminal: the trail has such characters escaped, and here they stay so. */
const plain = (text: string): string =>
  JSON.stringify(text)
    .slice(1, -1)
    .replace(/[\u007f-\u009f\u2028\u2029]/g, '?')

/** One line for people. */
export const pretty = (record: Omit<TrailRecord, 'digest'>): string => {
  const { time, outcome, action, client = '-', code, reason, address } = record
  const what = record.reference ?? record.object ?? '-'
  const why = [code, reason].filter(Boolean).join(' ')
  const from = [record.route, address && `from ${address}`, record.cache].filter(Boolean).join(' ')
  return [time, outcome.padEnd(7), action.padEnd(16), client, what, why, from]
    .filter((part) => part !== '')
    .map(plain)
    .join('  ')
}

const unread = (error: unknown): Error =>
  error instanceof CommandFailure ? error : new CommandFailure(`The trail ${whyUnread(error)}.`)

/** Goes on until the process is told to end, or nobody reads what it prints. */
export const tail = async ({ since, json = false }: TailOptions): Promise<void> => {
  const from = since ?? new Date().toISOString()
  const onLine = async (line: string): Promise<void> => {
    const record = recordIn(line)
    if (record === undefined || (since !== undefined && record.time < from)) return
    await print(json ? line : pretty(record))
  }
  const wait = async (): Promise<boolean> => {
    await sleep(LOOK_EVERY_MS)
    return true
  }
  const folder = trailFolder()
  const day = from.slice(0, 10)
  await followTrail({ folder, since: day, fromStart: since !== undefined, onLine, wait }).catch(
    (error: unknown) => {
      throw unread(error)
    }
  )
}

export interface ExportOptions {
  readonly format: 'ocsf' | 'ecs' | 'jsonl'
  /** The first and the last day, YYYY-MM-DD. */
  readonly since?: string
  readonly until?: string
}

/** With the chain's own lines, so that what was handed on can be verified there. */
const asItIs = (line: string): string | undefined => (line === '' ? undefined : line)

const mapped =
  (map: (record: TrailRecord) => object) =>
  (line: string): string | undefined => {
    const record = recordIn(line)
    return record && JSON.stringify(map(record))
  }

const WRITERS = { ocsf: mapped(toOcsf), ecs: mapped(toEcs), jsonl: asItIs } as const

export const exportTrail = async (options: ExportOptions): Promise<void> => {
  const { format, since = '', until = '9999-12-31' } = options
  const write = WRITERS[format]
  try {
    for (const { path, day } of await segmentFilesIn(trailFolder())) {
      if (day < since || day > until) continue
      for await (const lines of readPieces(path)) {
        const texts = lines.map((line) => write(String(line))).filter((text) => text !== undefined)
        if (texts.length > 0) await print(texts.join('\n'))
      }
    }
  } catch (error) {
    throw unread(error)
  }
}
