/**
 * Long answers in pieces. Rule: an answer takes no more of a turn of the event loop than one piece does, and nothing is
 * encrypted or handed to the kernel that its reader does not take.
 */
import { Readable } from 'node:stream'

/** Bytes. Such a piece costs a tenth of a millisecond or so, with TLS too. */
export const PIECE = 64 * 1024

export const inPieces = (bytes: Buffer): Readable => {
  let from = 0
  return new Readable({
    highWaterMark: PIECE,
    read() {
      setImmediate(() => {
        const piece = bytes.subarray(from, from + PIECE)
        from += PIECE
        this.push(piece.length > 0 ? piece : null)
      })
    }
  })
}
