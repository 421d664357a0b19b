/**
 * Whether a request comes from a page of our own. Rule: what a browser says of it (Fetch Metadata, Origin) has to say so
 * each time; what says nothing is believed only where nothing is changed, or no cookie counts.
 */
import type { FastifyRequest } from 'fastify'
import { isLoopback } from '../core/network.ts'
import type { Reason } from '../core/reason.ts'

export interface OriginRules {
  /** Whether pages may only come by https:, but for those of this machine. */
  readonly secure: boolean
}

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD'])

export const isSafe = (method: string): boolean => SAFE.has(method)

/** A proxy has to hand the Host on, or X-Forwarded-Host as one of TRUST_PROXY. */
const isOwn = (origin: string, host: string, { secure }: OriginRules): boolean => {
  if (!URL.canParse(origin)) return false
  const { protocol, host: given, hostname } = new URL(origin)
  const isSound =
    protocol === 'https:' || (protocol === 'http:' && (!secure || isLoopback(hostname)))
  return (
    isSound &&
    URL.canParse(`${protocol}//${host}`) &&
    new URL(`${protocol}//${host}`).host === given
  )
}

/**
 * Why not; undefined: it does. `none` is what a browser says of an address that somebody typed or has among the
 * bookmarks.
 */
export const foreignReason = (
  { headers, host, method }: Pick<FastifyRequest, 'headers' | 'host' | 'method'>,
  rules: OriginRules
): Reason | undefined => {
  const { origin } = headers
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && !(site === 'none' && isSafe(method))) {
    return 'foreign_page'
  }
  if (origin !== undefined && !isOwn(origin, host, rules)) return 'foreign_page'
  return site === undefined && origin === undefined && !isSafe(method) ? 'no_page' : undefined
}
