/**
 * HTTP before any route: sizes, times, and what makes a request a proper one. Rule: whatever Node lets pass is decided
 * here.
 */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { ProblemError } from '../core/problem.ts'
import type { ServerTls } from '../core/server-tls.ts'

/** A batch of 100 references fits, if they are not the longest. */
const URL_MAX = 16_384
export const PARAM_MAX = 2_048
/** Of a request's line and headers. */
export const MAX_HEAD = 2 * URL_MAX

/**
 * Milliseconds. Fastify switches Node's own request timeout off; see its documentation of `requestTimeout`. The timeout
 * of the headers must stay below that of the request, or Node swaps the two.
 */
export const TIMEOUTS = { handshake: 5_000, headers: 5_000, request: 10_000, check: 1_000 } as const

/** Forward secrecy and authenticated encryption, and nothing else (RFC 9325, 4.2; BSI TR-02102-2, 3.3.1). */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305'
].join(':')

/** What a TLS context of ours is made of, at the start and whenever its certificate was renewed. */
export const contextOptions = ({ cert, key, clientCa }: ServerTls) => ({
  minVersion: 'TLSv1.2' as const,
  ciphers: CIPHERS,
  cert,
  key,
  ...(clientCa && { ca: clientCa })
})

/** Options that Fastify hands on to Node's server. */
export const listenerOptions = (tls: ServerTls | undefined) => {
  const options = {
    headersTimeout: TIMEOUTS.headers,
    connectionsCheckingInterval: TIMEOUTS.check,
    maxHeaderSize: MAX_HEAD,
    // Node's refusal has no body; ours is below.
    requireHostHeader: false
  }
  if (tls === undefined) return { http: options }
  const mutual = tls.clientCa && { requestCert: true, rejectUnauthorized: true }
  const { handshake: handshakeTimeout } = TIMEOUTS
  return { https: { ...options, handshakeTimeout, ...contextOptions(tls), ...mutual } }
}

const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/

/** The caller's X-Request-Id if it is one, else a new one. */
export const requestIdOf = ({ headers }: Pick<IncomingMessage, 'headers'>): string => {
  const given = headers['x-request-id']
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID()
}

// RFC 9112, 3.2: exactly one Host, which may be absent in HTTP/1.0. Node would take the first of two.
const hasProperHost = ({ httpVersion, rawHeaders }: IncomingMessage): boolean => {
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++
  }
  return hosts === 1 || (hosts === 0 && httpVersion === '1.0')
}

// RFC 9112, 6.1 and 7: chunked alone. Node takes whatever ends with it, and a proxy in front may read `identity,
// chunked` otherwise; in HTTP/1.0 there is no such header, and an old proxy would have passed it on unread.
const hasProperFraming = ({ headers, httpVersion }: IncomingMessage): boolean => {
  const coding = headers['transfer-encoding']
  return coding === undefined || (httpVersion !== '1.0' && /^chunked$/i.test(coding))
}

/** Whether a body follows (RFC 9112, 6.3). Many clients name a media type also where they send none. */
export const hasBody = ({ headers }: Pick<IncomingMessage, 'headers'>): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0

/** What is wrong with the request, whatever its route. */
export const problemIn = (request: IncomingMessage): ProblemError | undefined => {
  if (!hasProperHost(request) || !hasProperFraming(request)) {
    return new ProblemError('invalid_request')
  }
  return (request.url ?? '').length > URL_MAX ? new ProblemError('uri_too_long') : undefined
}

/** Whether something is percent-encoded in a path, or in what may be taken for one. */
export const isEncoded = (url: string): boolean => {
  const first = url.indexOf('%')
  const query = url.startsWith('/') ? url.indexOf('?') : -1
  return first >= 0 && (query < 0 || first < query)
}

// The absolute form (RFC 9112, 3.2.2): the router leaves scheme and authority out, and so does this.
const ORIGIN = /^https?:\/\/[^/?#]*/i

/**
 * Whether a path of ours is spelt as it stands here, letter by letter, outside its parameters: a proxy that keeps
 * callers from `/internal/` by the raw path must not be got round by `/%69nternal/`. `template` is the route's, with
 * `:name` for a parameter and `*` for the rest; `url` as it was sent.
 */
export const isOwnSpelling = (url: string, template: string): boolean => {
  const [path = ''] = url.replace(ORIGIN, '').split('?', 1)
  const segments = path.split('/')
  return (
    path.startsWith('/') &&
    template.split('/').every((own, i) => /^[:*]/.test(own) || !(segments[i] ?? '').includes('%'))
  )
}
