/** HTTP as bytes on a socket, for what no client library would send or let one see. */
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Answered } from './problem.ts'

export interface Exchange {
  /** All that the server sent, as Latin-1. */
  readonly text: string
  /** Whether the server ended the connection; false if the patience ran out first. */
  readonly ended: boolean
  /** From the connection to its end, in milliseconds. */
  readonly ms: number
}

/** Lets the server listen on a free port of 127.0.0.1. */
export const listenOn = async (server: FastifyInstance): Promise<number> => {
  await server.listen({ host: '127.0.0.1', port: 0 })
  return (server.server.address() as AddressInfo).port
}

/** The head of a request. */
export const lines = (...all: string[]): string => `${all.join('\r\n')}\r\n\r\n`

/** For the first byte, unless a test says otherwise: on a busy machine an answer takes its time. */
const FIRST_BYTE_MS = 15_000

/** Sends the parts as they stand, `pauseMs` apart, and collects what comes back until the server ends the connection. */
export const exchange = (
  port: number,
  parts: string | Buffer | readonly (string | Buffer)[],
  { pauseMs = 20, patienceMs }: { pauseMs?: number; patienceMs?: number } = {}
): Promise<Exchange> =>
  new Promise((resolve) => {
    const begun = performance.now()
    const chunks: Buffer[] = []
    // Half open: that the server ends the connection must not depend on this side's manners.
    const socket: Socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
    const settle = (ended: boolean): void => {
      clearTimeout(patience)
      clearInterval(sending)
      socket.destroy()
      const text = Buffer.concat(chunks).toString('latin1')
      resolve({ text, ended, ms: performance.now() - begun })
    }
    let patience = setTimeout(settle, patienceMs ?? FIRST_BYTE_MS, false)
    const [first = '', ...rest] = typeof parts === 'string' ? [parts] : [parts].flat()
    const send = (part: string | Buffer): boolean =>
      socket.write(typeof part === 'string' ? Buffer.from(part, 'latin1') : part)
    const sending = setInterval(() => {
      const part = rest.shift()
      if (part === undefined || !socket.writable) clearInterval(sending)
      else send(part)
    }, pauseMs)
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      if (chunks.length > 1 || patienceMs !== undefined) return
      clearTimeout(patience)
      patience = setTimeout(settle, 1_500, false)
    })
    socket.on('end', () => settle(true))
    socket.on('close', () => settle(true))
    socket.on('error', () => {})
    send(first)
  })

/** Takes the text apart into its answers, each with a Content-Length; what remains over is an answer of status NaN. */
export const answersIn = (text: string): Answered[] => {
  const answers: Answered[] = []
  let rest = text
  while (rest !== '') {
    const end = rest.indexOf('\r\n\r\n')
    const [statusLine = '', ...lines] = rest.slice(0, Math.max(end, 0)).split('\r\n')
    const pairs = lines.map((line): [string, string] => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    })
    const headers = Object.fromEntries(pairs)
    const statusCode = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1])
    const hasBody = statusCode !== 204 && statusCode !== 304
    const length = Number(headers['content-length'] ?? (hasBody ? Number.NaN : 0))
    if (Number.isNaN(statusCode) || Number.isNaN(length)) {
      return [...answers, { statusCode: Number.NaN, headers: {}, body: rest }]
    }
    answers.push({ statusCode, headers, body: rest.slice(end + 4, end + 4 + length) })
    rest = rest.slice(end + 4 + length)
  }
  return answers
}
