/**
 * What of the survivors is on the disk, and what is on its way there. Rule: the index is in force at once and the disk
 * follows, in order, a bounded batch at a time; what waits to be put is bounded and may be left out, what waits to be
 * removed never is.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { every } from '../state/background.ts'
import type { CacheChange, EmbeddedCache } from '../state/embedded-cache.ts'

export interface Put {
  /** Milliseconds since the epoch. */
  readonly endsAt: number
  /** Called once it is written, so that nothing is sealed that is dropped before. */
  readonly seal: () => Buffer
}

export interface SurvivorQueueOptions {
  readonly disk: EmbeddedCache
  readonly maxEntries: number
  /** Whether the key ring holds the encryption key of an envelope, of which the beginning is enough. */
  readonly isKnown: (envelope: Buffer) => boolean
  /** Told of the first of writes that fail in a row. */
  readonly onFailure: (error: unknown) => void
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface SurvivorQueue {
  readonly has: (name: string) => boolean
  readonly get: (name: string) => Buffer | undefined
  readonly names: () => readonly string[]
  readonly put: (name: string, put: Put) => void
  readonly remove: (names: readonly string[]) => void
  readonly settled: () => Promise<void>
  readonly sweep: () => void
  readonly size: () => number
  readonly close: () => Promise<void>
}

interface Known {
  readonly endsAt: number
  /** On the disk; 0 while it is on its way. */
  readonly bytes: number
  /** Of the envelope; undefined while it is on its way. */
  readonly head: Buffer | undefined
}

const FLUSH_EVERY_MS = 500
/** Above so many that wait to be put, no more are taken; their stores may be asked again. */
const LONGEST_QUEUE = 1_000
/** What is sealed and written at a time, so that others have their turn. */
const BATCH_BYTES = 256 * 1024
const MOST_BYTES = 64 * 1024 * 1024
/** Before each envelope, in the clear: when it ends. The one inside counts; this one spares opening it. */
const END_BYTES = 8
/** Version, kid and all else that the sealer puts before a ciphertext. */
const HEAD_BYTES = 64

const withEnd = (endsAt: number, envelope: Buffer): Buffer => {
  const end = Buffer.alloc(END_BYTES)
  end.writeDoubleBE(endsAt)
  return Buffer.concat([end, envelope])
}

/** What stands on the disk or is on its way there, what ends first at the beginning; and how much it is. */
interface Index {
  readonly known: Map<string, Known>
  bytes: number
}

const indexOf = (disk: EmbeddedCache): Index => {
  const found: [string, Known][] = []
  for (const { name, head, length } of disk.heads(END_BYTES + HEAD_BYTES)) {
    const endsAt = length >= END_BYTES ? head.readDoubleBE() : 0
    found.push([name, { endsAt, bytes: length, head: head.subarray(END_BYTES) }])
  }
  return {
    known: new Map(found.sort(([, a], [, b]) => a.endsAt - b.endsAt)),
    bytes: found.reduce((sum, [, { bytes }]) => sum + bytes, 0)
  }
}

/** What is known already keeps its place in the order. */
const note = (index: Index, name: string, known: Known | undefined): void => {
  index.bytes += (known?.bytes ?? 0) - (index.known.get(name)?.bytes ?? 0)
  if (known === undefined) index.known.delete(name)
  else index.known.set(name, known)
}

interface Desk {
  readonly options: SurvivorQueueOptions
  readonly index: Index
  readonly puts: Map<string, Put>
  readonly removals: Set<string>
  /** What is being written: what stands on the disk meanwhile may have been dropped. */
  readonly underWay: Map<string, Buffer>
  isFailing: boolean
}

const remove = ({ index, puts, removals }: Desk, names: readonly string[]): void => {
  for (const name of names) {
    note(index, name, undefined)
    puts.delete(name)
    removals.add(name)
  }
}

const evict = (desk: Desk): void => {
  const { index, options } = desk
  for (const name of index.known.keys()) {
    if (index.known.size <= options.maxEntries && index.bytes <= MOST_BYTES) return
    remove(desk, [name])
  }
}

const put = (desk: Desk, name: string, wanted: Put): void => {
  const { index, puts, removals } = desk
  if (puts.size >= LONGEST_QUEUE && !puts.has(name)) {
    // What is there is not the newest any more.
    if (index.known.has(name)) remove(desk, [name])
    return
  }
  removals.delete(name)
  puts.set(name, wanted)
  const bytes = index.known.get(name)?.bytes ?? 0
  // To the end of the order: it is the newest.
  note(index, name, undefined)
  note(index, name, { endsAt: wanted.endsAt, bytes, head: undefined })
  evict(desk)
}

/** All removals that wait, and of the puts as many as fit. */
const nextBatch = ({ index, puts, removals, underWay }: Desk): CacheChange[] => {
  const batch: CacheChange[] = [...removals].map((name) => ({ name, value: undefined }))
  removals.clear()
  let size = 0
  for (const [name, { endsAt, seal }] of puts) {
    if (size >= BATCH_BYTES) break
    puts.delete(name)
    const envelope = seal()
    const value = withEnd(endsAt, envelope)
    size += value.length
    batch.push({ name, value })
    underWay.set(name, value)
    note(index, name, { endsAt, bytes: value.length, head: envelope.subarray(0, HEAD_BYTES) })
  }
  return batch
}

/** What stands there now is not known to be what was wanted: it is to go. */
const giveUp = (desk: Desk, batch: readonly CacheChange[], error: unknown): void => {
  for (const { name } of batch) if (!desk.puts.has(name)) remove(desk, [name])
  if (!desk.isFailing) desk.options.onFailure(error)
  desk.isFailing = true
}

const write = async (desk: Desk): Promise<void> => {
  const { options, puts, removals, underWay } = desk
  while (removals.size > 0 || puts.size > 0) {
    const batch = nextBatch(desk)
    try {
      await options.disk.write(batch)
      desk.isFailing = false
    } catch (error) {
      giveUp(desk, batch, error)
      return
    } finally {
      underWay.clear()
    }
    evict(desk)
    await turn()
  }
}

export const createSurvivorQueue = (options: SurvivorQueueOptions): SurvivorQueue => {
  const { disk, isKnown, now } = options
  const desk: Desk = {
    options,
    index: indexOf(disk),
    puts: new Map(),
    removals: new Set(),
    underWay: new Map(),
    isFailing: false
  }
  const { known } = desk.index
  let writing: Promise<void> = Promise.resolve()
  const settled = (): Promise<void> => {
    writing = writing.then(() => write(desk))
    return writing
  }
  const flushing = every('keeping of what is cached', FLUSH_EVERY_MS, settled)

  return {
    has: (name) => known.has(name),
    get: (name) => {
      const stored = () => (desk.underWay.get(name) ?? disk.get(name))?.subarray(END_BYTES)
      return desk.puts.get(name)?.seal() ?? stored()
    },
    names: () => [...known.keys()],
    put: (name, wanted) => put(desk, name, wanted),
    remove: (names) => remove(desk, names),
    settled,
    sweep: () => {
      const time = now()
      const isOver = ({ endsAt, head }: Known): boolean =>
        endsAt <= time || (head !== undefined && !isKnown(head))
      remove(
        desk,
        [...known].filter(([, one]) => isOver(one)).map(([name]) => name)
      )
    },
    size: () => known.size,
    close: async () => {
      flushing.close()
      await settled()
    }
  }
}
