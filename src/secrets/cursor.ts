/**
 * Where a listing goes on. Rule: a store's cursor may be the name of a secret that the caller must not know. So each
 * cursor is sealed, for this caller and prefix, and all are equally long.
 */
import { createHash } from 'node:crypto'
import { type Static, Type } from 'typebox'
import type { Caller } from '../core/caller.ts'
import { fitting } from '../core/fits.ts'
import { asJson } from '../core/json.ts'
import { ProblemError } from '../core/problem.ts'
import type { Prefix } from '../core/reference.ts'
import type { Sealer } from '../crypto/sealer.ts'

/** The page of the store, and the path in it after which the listing goes on. */
const Position = Type.Object({
  token: Type.Optional(Type.String()),
  after: Type.Optional(Type.String())
})
export type Position = Partial<Record<keyof Static<typeof Position>, string | undefined>>
const isPosition = fitting(Position)

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
  const position = opened && asJson(opened.toString())
  // A replica of another version may have sealed it.
  if (isPosition(position)) return position
  throw new ProblemError('invalid_request', {
    errors: [{ pointer: '/querystring/cursor', rule: 'cursor' }]
  })
}
