/**
 * The page's document and files. Rule: a browser runs the scripts of these files and no other, talks to this origin
 * alone, and shows the page in no frame; it keeps what has a hash in its name, and nothing else.
 */
import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { ProblemError } from '../core/problem.ts'
import type { TypedFastify } from '../http/route-auth.ts'
import { type Asset, type Assets, encodingFor } from './assets.ts'
import { REPORT_PATH } from './policy-reports.ts'

const config = { auth: { kind: 'open' }, cors: false } as const

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
  // Of the two ways to name the place, the one that every browser knows.
  `report-uri /console${REPORT_PATH}`
].join('; ')

/** Powers of a browser for which the page has no use; the clipboard is for a key that was just issued. */
const PERMISSIONS =
  'accelerometer=(), camera=(), clipboard-read=(), clipboard-write=(self), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=()'

const HASHED = 'public, max-age=31536000, immutable'

const send = (
  reply: FastifyReply,
  { mediaType, plain, compressed }: Asset,
  accepted: string | undefined
): FastifyReply => {
  const encoding = encodingFor(accepted)
  if (encoding !== undefined) reply.header('content-encoding', encoding)
  return reply
    .header('vary', 'accept-encoding')
    .type(mediaType)
    .send(encoding === undefined ? plain : compressed[encoding])
}

const FileParams = Type.Object({ name: Type.String() })

export const addPage = (app: TypedFastify, { document, files }: Assets): void => {
  for (const url of ['', '/']) {
    const schema = { hide: true }
    app.get(url, { config, schema, prefixTrailingSlash: 'slash' }, ({ headers }, reply) =>
      send(
        reply.headers({ 'content-security-policy': POLICY, 'permissions-policy': PERMISSIONS }),
        document,
        headers['accept-encoding']
      )
    )
  }

  app.get(
    '/assets/:name',
    { config, schema: { hide: true, params: FileParams } },
    ({ params, headers }, reply) => {
      const file = files.get(params.name)
      if (file === undefined) throw new ProblemError('route_not_found')
      return send(reply.header('cache-control', HASHED), file, headers['accept-encoding'])
    }
  )
}
