/**
 * Requests of a method that Node's parser does not know, such as Vault's LIST: their head is read here, and they go on as a
 * request that the parser might have made. Rule: what follows is the way of every request, on the caller's own socket, with
 * the headers as they were sent; a head is as small, as quick and as strict as the parser has it, and the connection ends
 * with the answer, since its parser has given up.
 */
import {
  type IncomingHttpHeaders,
  IncomingMessage,
  METHODS,
  type RequestListener,
  ServerResponse
} from 'node:http'
import type { Socket } from 'node:net'
import type { ProblemCode } from '../core/problem.ts'
import { MAX_HEAD, TIMEOUTS } from './protocol.ts'

/** What Fastify sees: Node's parser has no other method without a body that answers as GET does. */
const AS = 'GET'

const bridged = new WeakMap<IncomingMessage, string>()

/** The method that the caller used; undefined for all that the parser knows. */
export const bridgedMethod = (request: IncomingMessage): string | undefined => bridged.get(request)

interface Head {
  readonly url: string
  readonly rawHeaders: string[]
}

// RFC 9110, 5.5 and 5.6.2; a target in origin form (RFC 9112, 3.2.1).
const HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/
const END = '\r\n\r\n'
/** As no JSON ends, but the beginning of a longer word. */
const WORD_END = /[A-Z]$/
/** Packets in whose last bytes the end of a head may be, cut anywhere. */
const END_PACKETS = END.length

/** Undefined for what is no proper request without a body. */
const headIn = (text: string, method: string): Head | undefined => {
  const [line = '', ...lines] = text.split('\r\n')
  const [, url] = /^[A-Z]+ (\/[!-~]*) HTTP\/1\.1$/.exec(line) ?? []
  if (url === undefined || !line.startsWith(`${method} `)) return undefined
  const rawHeaders: string[] = []
  for (const one of lines) {
    const [, name, value] = HEADER.exec(one) ?? []
    if (name === undefined || value === undefined) return undefined
    const isBody = /^(?:transfer-encoding|expect|upgrade)$/i.test(name)
    if (isBody || (/^content-length$/i.test(name) && value !== '0')) return undefined
    rawHeaders.push(name, value)
  }
  return { url, rawHeaders }
}

/** By name; of what came twice both, which leaves a header that may come once no meaning at all. */
const joined = (rawHeaders: readonly string[]): IncomingHttpHeaders => {
  const headers = new Map<string, string>()
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase()
    const value = rawHeaders[i + 1] ?? ''
    const former = headers.get(name)
    headers.set(name, former === undefined ? value : `${former}, ${value}`)
  }
  return Object.fromEntries(headers)
}

/** A request as the parser makes one, and its answer, with which the connection ends. */
const begin = (
  socket: Socket,
  { url, rawHeaders }: Head,
  method: string,
  take: RequestListener
) => {
  const request = new IncomingMessage(socket)
  request.method = AS
  request.url = url
  request.rawHeaders = rawHeaders
  // Node would make them only of what its parser counted.
  request.headers = joined(rawHeaders)
  request.httpVersionMajor = 1
  request.httpVersionMinor = 1
  request.httpVersion = '1.1'
  request.complete = true
  request.push(null)
  bridged.set(request, method)
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket)
  response.on('finish', () => {
    response.detachSocket(socket)
    response.emit('close')
    socket.destroySoon()
  })
  take(request, response)
}

/** What comes of a connection on which such a request began. */
interface Coming {
  readonly method: string
  readonly pieces: Buffer[]
  size: number
  isOver: boolean
  /** That its head does not come in time. */
  readonly late: NodeJS.Timeout
}

export interface BridgeOptions {
  /** Methods in capitals. */
  readonly methods: readonly string[]
  /** Of requests that are there. */
  readonly take: RequestListener
  /** Answers and ends the connection. */
  readonly refuse: (code: ProblemCode, socket: Socket) => void
  /** To be called once all earlier requests of the connection are answered. */
  readonly inTurn: (socket: Socket, work: () => void) => void
}

interface ParserError extends NodeJS.ErrnoException {
  readonly bytesParsed?: number
  readonly rawPacket?: Buffer
}

/** How far the parser reads a method that it does not know: as long as it may become one that it knows. */
const readOf = (method: string): number => {
  let read = 0
  while (METHODS.some((known) => known.startsWith(method.slice(0, read + 1)))) read++
  return read
}

/**
 * Where a request of the method begins, if that is what the parser stumbled over: in the packet, or in what came before
 * it, of which the last characters are there. Characters are bytes.
 */
const startIn = (
  { bytesParsed = -1, rawPacket }: ParserError,
  before: string,
  methods: readonly string[]
) => {
  if (rawPacket === undefined || bytesParsed < 0) return undefined
  const text = before + rawPacket.toString('latin1')
  for (const method of methods) {
    const from = before.length + bytesParsed - readOf(method)
    if (from < 0) continue
    const isAfterHead = from === 0 || text[from - 1] === '\n'
    const isAfterBody = from === before.length && !WORD_END.test(before)
    const begun = text.slice(from, from + method.length + 1)
    if ((isAfterHead || isAfterBody) && `${method} `.startsWith(begun)) {
      return { method, text: text.slice(from) }
    }
  }
  return undefined
}

/** The last bytes of what came before the present packet, as many as may be the beginning of a method. */
const createBefores = (methods: readonly string[]) => {
  const max = Math.max(...methods.map((method) => readOf(method) + 1))
  const befores = new WeakMap<Socket, string>()
  return {
    // Told of a packet after the parser, which has then failed already where it does.
    watch: (socket: Socket): void => {
      socket.on('data', (packet: Buffer) => {
        const last = packet.toString('latin1', Math.max(0, packet.length - max))
        befores.set(socket, ((befores.get(socket) ?? '') + last).slice(-max))
      })
    },
    of: (socket: Socket): string => befores.get(socket) ?? ''
  }
}

export interface Bridge {
  /** To be called for each connection, once Node's server has it. */
  readonly watch: (socket: Socket) => void
  /** Whether what failed on a connection is such a request, or more of one: then it is taken care of. */
  readonly takes: (error: NodeJS.ErrnoException, socket: Socket) => boolean
}

export const createBridge = ({ methods, take, refuse, inTurn }: BridgeOptions): Bridge => {
  const comings = new WeakMap<Socket, Coming>()
  const befores = createBefores(methods)

  const end = (coming: Coming, socket: Socket, work: () => void): void => {
    coming.isOver = true
    coming.pieces.length = 0
    clearTimeout(coming.late)
    // Called again when the answer is out, for what was the last request of the connection.
    let isBegun = false
    inTurn(socket, () => {
      if (isBegun) return
      isBegun = true
      work()
    })
  }

  const add = (coming: Coming, socket: Socket, piece: Buffer): void => {
    const { method, pieces } = coming
    pieces.push(piece)
    coming.size += piece.length
    const isWhole = Buffer.concat(pieces.slice(-END_PACKETS)).includes(END)
    if (!isWhole && coming.size <= MAX_HEAD) return
    const text = Buffer.concat(pieces).toString('latin1')
    const at = text.indexOf(END)
    if (at < 0 || at > MAX_HEAD) {
      end(coming, socket, () => refuse('header_too_large', socket))
      return
    }
    const head = headIn(text.slice(0, at), method)
    end(coming, socket, () => {
      if (head === undefined) refuse('invalid_request', socket)
      else begin(socket, head, method, take)
    })
  }

  const open = (method: string, socket: Socket): Coming => {
    const late = setTimeout(
      () => end(coming, socket, () => refuse('request_timeout', socket)),
      TIMEOUTS.headers
    ).unref()
    const coming: Coming = { method, pieces: [], size: 0, isOver: false, late }
    socket.once('close', () => clearTimeout(late))
    comings.set(socket, coming)
    return coming
  }

  return {
    watch: (socket) => {
      if (methods.length > 0) befores.watch(socket)
    },

    takes: (error: ParserError, socket) => {
      const known = comings.get(socket)
      if (known !== undefined) {
        if (error.code === 'ECONNRESET') return false
        // The parser says the same of every piece that follows.
        const { rawPacket } = error
        if (!known.isOver && rawPacket !== undefined) add(known, socket, rawPacket)
        return true
      }
      if (error.code !== 'HPE_INVALID_METHOD') return false
      const start = startIn(error, befores.of(socket), methods)
      if (start === undefined) return false
      add(open(start.method, socket), socket, Buffer.from(start.text, 'latin1'))
      return true
    }
  }
}
