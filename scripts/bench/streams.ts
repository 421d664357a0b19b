/** Connections that stay open: streams of events, and such as have asked once and are idle. */
import { connect, type Socket } from 'node:net'
import { type Ready, URL_PATH } from './service.ts'

export interface Held {
  /** Resolves once every one of them has been told of another event. */
  readonly told: () => Promise<void>
  readonly close: () => void
}

/** What is read last on a stream that is open, and on a connection whose answer has come. */
const OPENED = { stream: 'heartbeat', idle: '"value"' } as const
const CHANGED = 'event: changed'
/** As many at once as a listener surely takes. */
const AT_ONCE = 50

/** What is awaited on a connection, and who is told. */
interface Reading {
  text: string
  awaited: string
  seen: () => void
  lost: (error: Error) => void
}

const open = (port: number, request: string, opened: string): Promise<[Socket, Reading]> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port })
    const seen = (): void => resolve([socket, reading])
    const reading: Reading = { text: '', awaited: opened, seen, lost: reject }
    socket.on('error', () => {})
    socket.once('close', () => reading.lost(new Error(`a connection has ended: ${reading.text}`)))
    socket.on('data', (chunk) => {
      reading.text += chunk.toString('latin1')
      if (!reading.text.includes(reading.awaited)) return
      reading.text = ''
      reading.seen()
    })
    socket.write(request)
  })

/** Opens so many with the keys in turn, since a key may have ten streams. */
export const hold = async (
  { origin, keys }: Pick<Ready, 'origin' | 'keys'>,
  is: keyof typeof OPENED,
  count: number
): Promise<Held> => {
  const path = is === 'stream' ? '/v1/events?ref=local:bench/database' : URL_PATH
  const { host, port } = new URL(origin)
  const held: [Socket, Reading][] = []
  while (held.length < count) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - held.length) }, (_, n) => {
      const { authorization } = keys[(held.length + n) % keys.length] ?? {}
      const lines = [`GET ${path} HTTP/1.1`, `Host: ${host}`, `Authorization: ${authorization}`]
      return open(Number(port), `${lines.join('\r\n')}\r\n\r\n`, OPENED[is])
    })
    held.push(...(await Promise.all(some)))
  }
  return {
    told: () =>
      new Promise((resolve, reject) => {
        let left = held.length
        for (const [, reading] of held) {
          reading.awaited = CHANGED
          reading.lost = reject
          reading.seen = () => {
            if (--left === 0) resolve()
          }
        }
      }),
    close: () => {
      for (const [socket] of held) socket.destroy()
    }
  }
}
