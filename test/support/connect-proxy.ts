/** An outgoing proxy of this machine: it takes CONNECT, and leads wherever the test says. */
import { createServer } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Test } from 'tap'
import { listen } from './wire.ts'

export interface ConnectProxy {
  /** With user and password, which hold characters that an address has to escape. */
  readonly address: string
  /** What it was asked: `CONNECT host:port`, and other methods as they are. */
  readonly asked: readonly string[]
  readonly authorizations: readonly (string | undefined)[]
}

export const PROXY_USER = 'purser'
export const PROXY_PASSWORD = 'p@ss:w/rd%'

/** `portFor` is the port of this machine that a target stands for; undefined: it is refused with `status`. */
export const openProxy = async (
  t: Test,
  portFor: (target: string) => number | undefined,
  status = 403
): Promise<ConnectProxy> => {
  const asked: string[] = []
  const authorizations: (string | undefined)[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    response.writeHead(405).end()
  })
  server.on('connect', ({ url = '', headers }, client: Socket) => {
    asked.push(`CONNECT ${url}`)
    authorizations.push(headers['proxy-authorization'])
    const port = portFor(url)
    if (port === undefined) return client.end(`HTTP/1.1 ${status} Refused\r\n\r\n<html>`)
    const peer = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      client.pipe(peer).pipe(client)
    })
    for (const socket of [client, peer]) {
      socket.on('error', () => {})
      socket.on('close', () => {
        client.destroy()
        peer.destroy()
      })
    }
    t.teardown(() => peer.destroy())
    return undefined
  })
  const port = await listen(t, server)
  const user = `${PROXY_USER}:${encodeURIComponent(PROXY_PASSWORD)}`
  return { address: `http://${user}@127.0.0.1:${port}`, asked, authorizations }
}
