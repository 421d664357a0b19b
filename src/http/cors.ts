/**
 * Which browser pages may call (Fetch, 3.3). Rule: an origin is in the list letter by letter, or its preflight has no
 * answer.
 */
import type { FastifyCorsOptions } from '@fastify/cors'

/** What a page may send: every header that the interface reads or hands on. A test holds it against openapi.yaml. */
export const ALLOWED_HEADERS = [
  'accept',
  'authorization',
  'x-api-key',
  'content-type',
  'cache-control',
  'if-match',
  'if-none-match',
  'last-event-id',
  'x-request-id',
  'traceparent',
  'tracestate'
]

/** What a page may see: every header that an answer may have, but for those that Fetch shows anyway. */
export const EXPOSED_HEADERS = [
  'x-request-id',
  'x-cache',
  'age',
  'etag',
  'allow',
  'content-disposition',
  'retry-after',
  'ratelimit',
  'ratelimit-policy',
  'www-authenticate'
]

export const corsFor = (origins: readonly string[]): FastifyCorsOptions => {
  const all = origins.includes('*')
  return {
    // False, and the plugin adds no header and lets a preflight fall through to 405; of an empty text it would make a 500.
    origin: async (origin = '') => origin !== '' && (all || origins.includes(origin)) && origin,
    // Every OPTIONS of an allowed origin is answered; the plugin would refuse some with a text of its own.
    strictPreflight: false,
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
    allowedHeaders: ALLOWED_HEADERS,
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: 600
  }
}
