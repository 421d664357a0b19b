/**
 * Whether Redis has room for what is written. Rule: it is full from the first command that it refuses for that until it
 * takes a small one; meanwhile one is tried each second, since reads and deletions, which go on, say nothing of it.
 * Of a cluster any node may be full.
 */
import { every, type Loop } from './background.ts'
import type { StateLog } from './log.ts'
import type { Link } from './redis-link.ts'
import { checkKey } from './redis-rights.ts'

export interface Room {
  readonly isFull: () => boolean
  /** Redis has refused a command, with this code. */
  readonly refused: (code: string) => void
  readonly close: () => void
}

export interface RoomOptions {
  readonly ask: Link['ask']
  readonly prefix: string
  readonly log: StateLog
  /** There is room again. */
  readonly onRoom: () => void
}

export const FULL = 'OOM'
const LOOK_EVERY_MS = 1_000
const LIFE_MS = 10_000

export const createRoom = ({ ask, prefix, log, onRoom }: RoomOptions): Room => {
  let looking: Loop | undefined
  const look = async (): Promise<void> => {
    try {
      await ask((client) => client.set(checkKey(prefix), '0', 'PX', LIFE_MS))
    } catch {
      return
    }
    if (looking === undefined) return
    looking.close()
    looking = undefined
    log('info', 'Redis has room again')
    onRoom()
  }
  return {
    isFull: () => looking !== undefined,
    refused: (code) => {
      if (code === FULL) looking ??= every('look for room in Redis', LOOK_EVERY_MS, look)
    },
    close: () => {
      looking?.close()
      looking = undefined
    }
  }
}
