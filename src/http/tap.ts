/**
 * How much of a caller's data is read at a time. Rule: data that nobody has asked for yet stays with the caller. Node
 * parses all that one read of a socket brought, up to 64 KiB and so thousands of requests, before any of them is
 * answered.
 */
import type { Socket } from 'node:net'

export interface Tap {
  /** Parses no more than the rest of the current piece. */
  readonly hold: () => void
  readonly release: () => void
  /** Throws away what still comes; when the peer ends, the connection ends: for an answer without an end of its own. */
  readonly ignore: () => void
}

/** Small, so that few requests are parsed at once; a request with a key and a usual body is a piece or two. */
const PIECE = 1_024

/** For a socket that Node's HTTP server has taken on already. */
export const createTap = (socket: Socket): Tap => {
  const push = socket.push.bind(socket)
  const pause = socket.pause.bind(socket)
  const resume = socket.resume.bind(socket)
  let isHeld = false
  /** Node's own pause, while the peer does not take what was written. */
  let isPaused = false
  let isIgnored = false
  /** The peer has closed its half, though the parser may not have come to that yet. */
  let hasEnded = false

  socket.push = (chunk: Buffer | null, encoding) => {
    hasEnded ||= chunk === null
    if (isIgnored) {
      if (chunk === null) socket.destroy()
      return true
    }
    if (chunk === null || chunk.length <= PIECE) return push(chunk, encoding)
    let wantsMore = true
    for (let from = 0; from < chunk.length; from += PIECE) {
      wantsMore = push(chunk.subarray(from, from + PIECE), encoding)
    }
    return wantsMore
  }
  socket.pause = () => {
    isPaused = true
    return isIgnored ? socket : pause()
  }
  socket.resume = () => {
    isPaused = false
    return isHeld ? socket : resume()
  }
  // Until somebody else listens for data, the parser reads from the descriptor itself, past all of the above. Node does not
  // go back to that when the listener is gone, and one listener costs less than two.
  const nobody = (): void => {}
  socket.on('data', nobody).off('data', nobody)

  return {
    hold: () => {
      if (isHeld || isIgnored) return
      isHeld = true
      pause()
    },
    release: () => {
      if (!isHeld) return
      isHeld = false
      if (!isPaused) resume()
    },
    ignore: () => {
      if (hasEnded) socket.destroy()
      isIgnored = true
      isHeld = false
      resume()
    }
  }
}
