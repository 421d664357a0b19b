/**
 * The attacker, as a process of its own: sockets of one loopback address that begin and do not go on, and sockets that
 * ask and do not read. Rule: it holds a fixed number of each at a time, and what the service cuts off it opens again a
 * little later, until it is told to leave.
 */
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

export interface AttackTarget {
  readonly port: number
  readonly isTls: boolean
  /** One for each way of asking, so that each has its own limit. */
  readonly keys: readonly string[]
}

export interface AttackReport {
  readonly opened: number
}

const ADDRESS = '127.0.0.2'
/**
 * When a closed socket is opened again: not at once, so that the attack burdens the service and not the whole machine.
 */
const AGAIN_MS = 1_000
/**
 * A socket that does not read cannot see that it was cut off: it ends itself, later than the service should have ended
 * it.
 */
const UNREAD_MS = 30_000
const PIPELINED = 100

const lines = (...all: string[]): string => `${all.join('\r\n')}\r\n\r\n`
const head = (target: string, key: string): string =>
  lines(`GET ${target} HTTP/1.1`, 'Host: a', `Authorization: Bearer ${key}`)
const refs = Array.from({ length: 100 }, (_, n) => `ref=local:attack/${n}`).join('&')

/** What never becomes a request, and how many of each. */
const BEGINNINGS: readonly (readonly [number, string | Buffer])[] = [
  [60, ''],
  [20, Buffer.from([22, 3, 1, 2, 0])],
  [40, 'GET /livez HTTP/1.1\r\nHost: a\r\n'],
  [20, 'no such thing\r\n\r\n'],
  [20, `${lines('GET /livez HTTP/1.1', 'Host: a')}GET /li`],
  [20, `${lines('POST /v1/secrets/batch HTTP/1.1', 'Host: a', 'Content-Length: 9')}{`]
]

/** Requests whose answers are never read. */
const QUESTIONS: readonly (readonly [number, string])[] = [
  [30, '/v1/secrets/big'],
  [20, '/v1/secrets/huge'],
  [30, '/v1/secrets?ref=local:attack/0'],
  [20, `/v1/secrets/batch?${refs}`],
  [10, '/v1/secrets?prefix=local:attack/'],
  [10, `/v1/events?${refs}`]
]

let opened = 0
let isLeaving = false
const sockets = new Set<Socket>()

const keep = (make: () => Socket, staysBehind: boolean): void => {
  if (isLeaving) return
  const socket = make()
  opened++
  if (!staysBehind) sockets.add(socket)
  // Errors are what a peer that is cut off has. The service ends what has asked nothing; what does not read ends
  // itself.
  socket.on('error', () => {})
  if (staysBehind) socket.resume().once('end', () => setTimeout(() => socket.destroy(), AGAIN_MS))
  const unread = staysBehind ? undefined : setTimeout(() => socket.destroy(), UNREAD_MS)
  socket.once('close', () => {
    clearTimeout(unread)
    sockets.delete(socket)
    setTimeout(keep, AGAIN_MS, make, staysBehind)
  })
}

const raw = (port: number): Socket =>
  connect({ host: '127.0.0.1', port, localAddress: ADDRESS, allowHalfOpen: true })

const attack = ({ port, isTls, keys }: AttackTarget): void => {
  const speak = (text: string | Buffer, reads: boolean): Socket => {
    const socket = isTls
      ? connectTls({ socket: raw(port), rejectUnauthorized: false, servername: 'localhost' })
      : raw(port)
    socket.once(isTls ? 'secureConnect' : 'connect', () => {
      if (!reads) socket.pause()
      socket.write(text)
    })
    return socket
  }
  for (const [count, text] of BEGINNINGS) {
    for (let n = 0; n < count; n++) {
      keep(() => speak(text, true), true)
      if (isTls && n % 2 === 0) keep(() => raw(port), true)
    }
  }
  QUESTIONS.forEach(([count, target], i) => {
    const text = head(target, keys[i] ?? '').repeat(PIPELINED)
    for (let n = 0; n < count; n++) keep(() => speak(text, false), false)
  })
}

// If its parent is killed, the attack must not go on unwatched.
process.once('disconnect', () => process.exit(0))
process.on('message', (message: readonly AttackTarget[] | 'leave') => {
  if (message !== 'leave') return message.forEach(attack)
  isLeaving = true
  // Those that asked nothing stay as they are: the service has to let go of them by itself.
  for (const socket of sockets) socket.destroy()
  process.send?.({ opened } satisfies AttackReport)
})
