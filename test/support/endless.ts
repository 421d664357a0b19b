/** A server that answers for ever, for what reads answers whole. */
import { createServer, type Server } from 'node:http'

export interface Endless {
  readonly server: Server
  /** Bytes of the longest answer. */
  readonly sent: () => number
  /** Resolves once an answer was broken off by who asked for it. */
  readonly isCutOff: Promise<void>
}

export const endless = (start = ''): Endless => {
  let longest = 0
  let cutOff = (): void => {}
  const isCutOff = new Promise<void>((resolve) => {
    cutOff = resolve
  })
  const piece = Buffer.alloc(65_536, ' ')
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': 'application/json', 'metadata-flavor': 'Google' })
    response.write(start)
    let sent = 0
    const more = (): void => {
      while (!response.destroyed) {
        sent += piece.length
        longest = Math.max(longest, sent)
        if (!response.write(piece)) return
      }
    }
    response.on('drain', more)
    response.once('close', cutOff)
    more()
  })
  return { server, sent: () => longest, isCutOff }
}
