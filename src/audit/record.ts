/** A record of the trail as it is read back: its members, whatever an earlier version wrote. */
import { asJson, isObject } from '../core/json.ts'
import { routeParts } from '../core/route-text.ts'

export interface TrailRecord {
  readonly time: string
  readonly action: string
  readonly outcome: string
  readonly code?: string
  readonly reason?: string
  readonly environment?: string
  readonly client?: string
  readonly keyId?: string
  readonly kid?: string
  readonly sessionId?: string
  readonly user?: string
  readonly route?: string
  readonly requestId?: string
  readonly address?: string
  readonly reference?: string
  readonly object?: string
  readonly issuer?: string
  readonly subject?: string
  readonly tokenId?: string
  readonly version?: string
  readonly cache?: string
  readonly instance?: string
  readonly seq?: number
  readonly digest?: string
}

/** Undefined for a line of the chain's own, and for what a crash cut off. */
export const recordIn = (line: string): TrailRecord | undefined => {
  const parsed = asJson(line)
  if (!isObject(parsed) || parsed['chain'] !== undefined) return undefined
  const { time, action, outcome } = parsed
  const isRecord =
    typeof time === 'string' && typeof action === 'string' && typeof outcome === 'string'
  return isRecord ? (parsed as unknown as TrailRecord) : undefined
}

/**
 * `GET` and `/v1/secrets` of a route; undefined where a record came by no request. `dialect`: of the door, if it is not
 * our own.
 */
export const httpRoute = (
  route: string | undefined
):
  | { readonly method: string; readonly path: string; readonly dialect: string | undefined }
  | undefined => {
  const { dialect, method = '', template: path = '' } = routeParts(route ?? '') ?? {}
  return method !== '' && path.startsWith('/') ? { method, path, dialect } : undefined
}
