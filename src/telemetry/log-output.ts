/**
 * Where the lines of the log go: standard output. Rule: a reader that has stopped holds nobody up. What it does not take
 * waits in memory, up to a bound; beyond it lines are dropped, and their number is a line of the log once they are read
 * again. Whoever reads has each line before the next thing is done.
 */
import { writeSync } from 'node:fs'
import type { DestinationStream } from 'pino'
import { isFull, piecesOf } from '../audit/stdout.ts'

export interface LogOutputOptions {
  /** A pipe must be non-blocking. */
  readonly fd?: number
  readonly mostBytes?: number
  readonly now?: () => number
}

export interface LogOutput extends DestinationStream {
  /** Writes what the reader takes within the time; for the end of the process, which waits for nothing. */
  readonly flushFor: (ms: number) => void
}

const MOST_BYTES = 1024 * 1024
const TRY_AGAIN_MS = 20

const sleepSync = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

export const createLogOutput = (options: LogOutputOptions = {}): LogOutput => {
  const { fd = 1, mostBytes = MOST_BYTES, now = Date.now } = options
  const waiting: Buffer[] = []
  let bytes = 0
  let dropped = 0
  let timer: NodeJS.Timeout | undefined
  let isGone = false

  /** How much of it was taken. */
  const writeSome = (piece: Buffer): number => {
    try {
      return writeSync(fd, piece)
    } catch (error) {
      if (isFull(error)) return 0
      // Nobody reads, or nothing can be written: there is no other place to say so.
      if ((error as NodeJS.ErrnoException).code === 'EPIPE') isGone = true
      return piece.length
    }
  }

  const add = (text: string): void => {
    for (const piece of piecesOf(text)) {
      waiting.push(piece)
      bytes += piece.length
    }
  }

  const sayDropped = (): void => {
    const time = new Date(now()).toISOString()
    const msg = 'lines of the log were dropped, since standard output was not read'
    add(`${JSON.stringify({ level: 'warn', time, dropped, msg })}\n`)
    dropped = 0
  }

  /** Until nothing waits, or the reader takes no more. */
  const drain = (): void => {
    while (waiting.length > 0 || dropped > 0) {
      if (waiting.length === 0) sayDropped()
      const [piece = Buffer.alloc(0)] = waiting
      const taken = writeSome(piece)
      bytes -= taken
      if (taken < piece.length) {
        waiting[0] = piece.subarray(taken)
        return
      }
      waiting.shift()
    }
  }

  const tryAgain = (): void => {
    timer = undefined
    drain()
    if (waiting.length > 0) timer = setTimeout(tryAgain, TRY_AGAIN_MS).unref()
  }

  return {
    write: (line) => {
      if (isGone) return
      if (bytes + line.length > mostBytes) {
        dropped++
        return
      }
      add(line)
      if (timer === undefined) tryAgain()
    },

    flushFor: (ms) => {
      const until = performance.now() + ms
      for (;;) {
        drain()
        if (waiting.length === 0 || performance.now() >= until) return
        sleepSync(TRY_AGAIN_MS)
      }
    }
  }
}
