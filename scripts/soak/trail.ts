/**
 * Follows the trail of one replica, and says which answers are not on record. Rule: a record comes before its answer, so
 * that whatever was answered when a look begins has to be found by its end, also after a kill.
 */
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { recordIn } from '../../src/audit/record.ts'

export interface Trail {
  /** A request leaves: its records may come before its answer does. */
  readonly sent: (requestId: string) => void
  /** It was answered with these: references without version and field; none where it has to be on record at all. */
  readonly owes: (requestId: string, refs: Iterable<string>) => void
  /** It has no answer, or one that need not be on record. */
  readonly dropped: (requestId: string) => void
  /** Calls back for each answer that is on record, and for each that is not. */
  readonly look: (found: () => void, missing: (what: string) => void) => Promise<void>
}

interface Entry {
  /** Of what was allowed. */
  readonly seen: Set<string>
  owed: readonly string[] | undefined
}

const PORTION = 1024 * 1024

/** Without version and field. */
const plainOf = (reference: string): string => /^[^?#]*/.exec(reference)?.[0] ?? ''

export const followTrail = (folder: string): Trail => {
  const offsets = new Map<string, number>()
  const entries = new Map<string, Entry>()

  const take = (line: string): void => {
    const record = recordIn(line)
    if (record?.outcome !== 'allowed') return
    entries.get(record.requestId ?? '')?.seen.add(plainOf(record.reference ?? ''))
  }

  /** Whole lines that have come since; a line that a kill cut off is not whole. */
  const readNew = async (name: string): Promise<void> => {
    const file = await open(join(folder, name), 'r')
    try {
      const { size } = await file.stat()
      let at = Math.min(offsets.get(name) ?? 0, size)
      let rest = Buffer.alloc(0)
      while (at + rest.length < size) {
        const chunk = Buffer.alloc(Math.min(PORTION, size - at - rest.length))
        const { bytesRead } = await file.read(chunk, 0, chunk.length, at + rest.length)
        if (bytesRead === 0) break
        rest = Buffer.concat([rest, chunk.subarray(0, bytesRead)])
        const end = rest.lastIndexOf(10) + 1
        for (const line of rest.toString('utf8', 0, end).split('\n')) take(line)
        rest = rest.subarray(end)
        at += end
      }
      offsets.set(name, at)
    } finally {
      await file.close()
    }
  }

  const readAll = async (): Promise<void> => {
    const names = await readdir(folder).catch(() => [])
    for (const name of names.filter((one) => one.endsWith('.jsonl'))) await readNew(name)
  }

  const isRecorded = ({ seen, owed = [] }: Entry): boolean =>
    seen.size > 0 && owed.every((ref) => seen.has(ref))

  return {
    sent: (requestId) => void entries.set(requestId, { seen: new Set(), owed: undefined }),
    owes: (requestId, refs) => {
      const entry = entries.get(requestId)
      if (entry !== undefined) entry.owed = [...refs]
    },
    dropped: (requestId) => void entries.delete(requestId),
    look: async (found, missing) => {
      const answered = [...entries].filter(([, { owed }]) => owed !== undefined)
      await readAll()
      // The end of a file may have been taken back and written anew, which is no fault: once more, from its beginning.
      if (!answered.every(([, entry]) => isRecorded(entry))) {
        offsets.clear()
        await readAll()
      }
      for (const [requestId, entry] of answered) {
        entries.delete(requestId)
        if (isRecorded(entry)) found()
        else missing(`${requestId} ${entry.owed?.join(' ')}`)
      }
    }
  }
}
