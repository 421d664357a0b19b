/**
 * Connections that go through a proxy where the route says so. Rule: what the proxy is sent is a CONNECT, and then TLS
 * that only the store can open.
 */
import { type ClientRequest, Agent as HttpAgent, request } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { isIP, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { type Mark, type ProxyAddress, type Route, straight, withoutBrackets } from './proxy.ts'
import { USER_AGENT } from './user-agent.ts'

const CONNECT_WITHIN_MS = 10_000

const failure = (code: string): Error => Object.assign(new Error('the proxy failed'), { code })

/** A proxy that wants another user, or lets nobody there, needs a person; what it cannot reach may come back. */
const codeOfStatus = (status = 0): string => {
  if (status === 407) return 'ERR_PROXY_AUTHENTICATION'
  return status >= 400 && status < 500 ? 'ERR_PROXY_REFUSED' : 'PROXY_UNAVAILABLE'
}

type SocketCallback = (error: Error | null, socket?: Duplex) => void

/** A connection to the host and port through the proxy, of which the first byte is still to come. */
const openTunnel = (
  { host: proxyHost, port: proxyPort, authorization }: ProxyAddress,
  target: string,
  settle: SocketCallback
): ClientRequest => {
  const asked = request({
    host: proxyHost,
    port: proxyPort,
    method: 'CONNECT',
    path: target,
    agent: false,
    headers: {
      host: target,
      'user-agent': USER_AGENT,
      ...(authorization !== undefined && { 'proxy-authorization': authorization })
    }
  })
  const timer = setTimeout(() => asked.destroy(failure('ETIMEDOUT')), CONNECT_WITHIN_MS).unref()
  const end: SocketCallback = (error, socket) => {
    clearTimeout(timer)
    settle(error, socket)
  }
  asked.once('error', (error) => end(error))
  asked.once('connect', ({ statusCode }, socket: Socket, head) => {
    // Nothing may be said by then: whoever spoke first in TLS would be the client, and it is ours to begin.
    if (statusCode === 200 && head.length === 0) return end(null, socket)
    socket.destroy()
    end(failure(statusCode === 200 ? 'PROXY_UNAVAILABLE' : codeOfStatus(statusCode)))
  })
  asked.once('response', ({ statusCode, socket }) => {
    socket.destroy()
    end(failure(codeOfStatus(statusCode)))
  })
  asked.end()
  return asked
}

/** Of what Node hands to `createConnection`; TLS's own options are among the rest. */
interface ConnectionOptions {
  readonly host?: string
  readonly port?: number | string
  readonly servername?: string
}

type Create = (options: object, settle: SocketCallback) => Duplex | undefined

/** The agent's connections go by the route from then on. */
const routed = <A extends HttpAgent>(agent: A, route: Route, isTls: boolean): A => {
  if (route === straight) return agent
  const directly = (agent as unknown as { createConnection: Create }).createConnection.bind(agent)
  const tunnels = new Set<ClientRequest>()

  const createConnection = (
    options: ConnectionOptions,
    settle: SocketCallback
  ): Duplex | undefined => {
    const { host = '', port = isTls ? 443 : 80 } = options
    const proxy = route(host, Number(port), isTls)
    if (proxy === undefined) return directly(options, settle)
    const name = withoutBrackets(host)
    const target = `${isIP(name) === 6 ? `[${name}]` : name}:${port}`
    const tunnel = openTunnel(proxy, target, (error, socket) => {
      tunnels.delete(tunnel)
      if (error !== null || !isTls) return settle(error, socket)
      // The certificate is looked for under the store's name, by whichever rules the agent was given.
      const servername = options.servername || (isIP(name) === 0 ? name : '')
      const secure: TLSSocket = connectTls({ ...options, host: name, socket, servername } as object)
      settle(null, secure)
    })
    tunnels.add(tunnel)
    return undefined
  }
  const destroy = agent.destroy.bind(agent)
  return Object.assign(agent, {
    createConnection,
    destroy: () => {
      for (const tunnel of tunnels) tunnel.destroy()
      destroy()
    }
  })
}

type AddRequest = (request: ClientRequest, ...rest: unknown[]) => void

/** Node hands each request to its agent by `addRequest` when all its headers are set and none is sent. */
const marking = <A extends HttpAgent>(agent: A, mark: Mark | undefined): A => {
  if (mark === undefined) return agent
  const add = (agent as unknown as { addRequest: AddRequest }).addRequest.bind(agent)
  const addRequest: AddRequest = (request, ...rest) => {
    mark(request)
    add(request, ...rest)
  }
  return Object.assign(agent, { addRequest })
}

export const createHttpAgent = (
  options: ConstructorParameters<typeof HttpAgent>[0],
  route: Route
): HttpAgent => marking(routed(new HttpAgent(options), route, false), route.mark)

/** What is not said outright NODE_TLS_REJECT_UNAUTHORIZED would have a word in. */
export const createHttpsAgent = (
  options: ConstructorParameters<typeof HttpsAgent>[0],
  route: Route
): HttpsAgent =>
  marking(routed(new HttpsAgent({ rejectUnauthorized: true, ...options }), route, true), route.mark)
