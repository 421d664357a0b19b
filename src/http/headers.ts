/**
 * The headers of every answer. Rule: computed once, and the same whichever way an answer goes out. They are helmet's,
 * taken at start from a response that nobody gets, since computing them for each answer costs a fifth of the throughput.
 */
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest, onSendHookHandler } from 'fastify'
import helmet from 'helmet'
import { PIECE } from './ledger.ts'

declare module 'fastify' {
  interface FastifyReply {
    /** Answers with a text, of JSON unless the reply has a type; if it is short, faster than `send`. */
    sendShort: (text: string) => FastifyReply
  }
}

const setHeaders = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] }
  },
  frameguard: { action: 'deny' },
  strictTransportSecurity: { maxAge: 31_536_000, includeSubDomains: true }
})

/** Every answer carries or concerns a secret, and none is a page: nothing is stored, framed, sniffed or referred to. */
export const answerHeaders = (): Readonly<Record<string, string>> => {
  const request = new IncomingMessage(new Socket())
  const response = new ServerResponse(request)
  setHeaders(request, response, (error) => {
    if (error !== undefined) throw error
  })
  const fixed = Object.entries(response.getHeaders())
  return Object.freeze({
    ...Object.fromEntries(fixed.map(([name, value]) => [name, String(value)])),
    'cache-control': 'no-store'
  })
}

type Headers = Readonly<Record<string, string>>

/** For a reply whose text is written already, whatever serializer its route has. */
export const asItStands = (text: unknown): string => String(text)

/** For an answer that Fastify sends itself. A route may have its own value of one. */
export const addHeaders = (
  request: FastifyRequest,
  reply: FastifyReply,
  headers: Headers
): FastifyReply => {
  const own = reply.getHeaders()
  for (const name in headers) {
    if (own[name] === undefined) reply.header(name, headers[name])
  }
  return reply.header('x-request-id', request.id)
}

export const JSON_TYPE = 'application/json; charset=utf-8'

/** Names and values in turn, as Node takes them fastest; made anew, since one array for all answers is slower. */
const flatHeaders = (
  { id }: FastifyRequest,
  own: ReturnType<FastifyReply['getHeaders']>,
  headers: Headers,
  length: number
): string[] => {
  const flat = ['content-length', String(length)]
  if (own['content-type'] === undefined) flat.push('content-type', JSON_TYPE)
  if (own['x-request-id'] === undefined) flat.push('x-request-id', id)
  for (const name in own) {
    const value = own[name]
    if (Array.isArray(value)) for (const one of value) flat.push(name, one)
    else flat.push(name, String(value))
  }
  for (const name in headers) {
    if (own[name] === undefined) flat.push(name, headers[name] ?? '')
  }
  return flat
}

/**
 * Both ways in which answers go out, with one rule for both: there has to be room for an answer, and it has these
 * headers. Fastify's own way of sending takes as long as all the rest of a cached read; `sendShort` writes what Fastify
 * would.
 */
export const addAnswers = (
  server: FastifyInstance,
  headers: Headers,
  askForRoom: onSendHookHandler
): void => {
  server.addHook('onSend', askForRoom)
  server.addHook('onSend', (request, reply, payload, done) => {
    addHeaders(request, reply, headers)
    done(null, payload)
  })
  server.decorateReply('sendShort', function (this: FastifyReply, text: string): FastifyReply {
    const { request, raw } = this
    const length = Buffer.byteLength(text)
    // A long answer goes out in pieces; and of one to HEAD the length is told, and nothing is sent.
    if (length > PIECE || request.method === 'HEAD') {
      if (!this.hasHeader('content-type')) this.type(JSON_TYPE)
      return this.serializer(asItStands).send(text)
    }
    askForRoom.call(server, request, this, text, (error?: Error | null): void => {
      if (error) {
        this.send(error)
        return
      }
      const flat = flatHeaders(request, this.getHeaders(), headers, length)
      this.hijack()
      raw.writeHead(this.statusCode, flat)
      // The same bytes where each character is one, and copied rather than encoded.
      raw.end(text, length === text.length ? 'latin1' : 'utf8')
    })
    return this
  })
}
