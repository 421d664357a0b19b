/**
 * Where a listing goes on. Rule: a store's cursor may be the name of a secret that the caller must not know. So each
 * cursor is sealed, for this caller and prefix, and all are equally long.
 */
import { createHash } from 'node:crypto'
import type { Caller } from '../core/caller.ts'
import { ProblemError } from '../core/problem.ts'
import type { Prefix } from '../core/reference.ts'
import type { Sealer } from '../crypto/sealer.ts'

/** The page of the store, and the path in it after which the listing goes on. */
export interface Position {
  readonly token?: string | undefined
  readonly after?: string | undefined
}

/** The length of every cursor, unless the store's own cursor is longer. */
const CURSOR_BYTES = 2_304

export const pathDigest = (path: string): string =>
  createHash('sha256').update(path).digest('base64url').slice(0, 22)

export const cursorContext = ({ client }: Caller, { store, path }: Prefix): string[] => [
  'listing',
  client,
  store,
  path
]

export const sealCursor = (
  sealer: Sealer,
  { token, after }: Position,
  context: string[]
): string => {
  const text = Buffer.from(JSON.stringify({ token, after: after && pathDigest(after) }))
  const padded = Buffer.alloc(Math.ceil(text.length / CURSOR_BYTES) * CURSOR_BYTES, ' ')
  text.copy(padded)
  return sealer.seal('cache', padded, context).toString('base64url')
}

/** `after` is a digest. Throws `invalid_request`. */
export const openCursor = (sealer: Sealer, text: string, context: string[]): Position => {
  const opened = sealer.open('cache', Buffer.from(text, 'base64url'), context)
  if (opened !== undefined) return JSON.parse(opened.toString()) as Position
  throw new ProblemError('invalid_request', {
    errors: [{ pointer: '/querystring/cursor', rule: 'cursor' }]
  })
}
