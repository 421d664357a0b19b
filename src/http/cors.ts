/** Which browser pages may call (Fetch, 3.3). Rule: an origin is in the list letter by letter, or its preflight has no answer. */
import type { FastifyCorsOptions } from '@fastify/cors'

export const corsFor = (origins: readonly string[]): FastifyCorsOptions => {
  const all = origins.includes('*')
  return {
    // False, and the plugin adds no header and lets a preflight fall through to 405.
    origin: async (origin: string | undefined) =>
      origin !== undefined && (all || origins.includes(origin)) && origin,
    // Every OPTIONS of an allowed origin is answered; the plugin would refuse some with a text of its own.
    strictPreflight: false,
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
    allowedHeaders: ['authorization', 'x-api-key', 'content-type', 'x-request-id', 'if-none-match'],
    exposedHeaders: [
      'x-request-id',
      'x-cache',
      'age',
      'etag',
      'retry-after',
      'ratelimit',
      'ratelimit-policy'
    ],
    maxAge: 600
  }
}
