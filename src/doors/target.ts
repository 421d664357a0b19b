/**
 * How a path of a dialect becomes a reference. Rule: what leads nowhere is asked of the broker all the same, so that it is
 * on record and answered like whatever is forbidden.
 */
import type { Target } from '../config/door-entries.ts'
import { isSecretName, parseReference } from '../core/reference.ts'
import { encodeText } from '../core/reference-text.ts'
import { createReferenceBook } from '../kinds/references.ts'
import type { Wanted } from '../secrets/terms.ts'

const EMPTY_BOOK = createReferenceBook([], new Map())

/** A name that no configuration can have, since a route has it. */
const NOWHERE = 'batch'

/** What no store would take is refused alike wherever it leads. Throws `invalid_reference`. */
const nowhere = (path: string): string => {
  parseReference(`nowhere:${encodeText(path)}`, EMPTY_BOOK)
  return NOWHERE
}

const textOf = (target: Target | undefined, path: string): string => {
  if (target === undefined) return nowhere(path)
  if (target.kind === 'names') return isSecretName(path) ? path : nowhere(path)
  return `${target.store}:${encodeText(target.path + path)}`
}

/** `path`: as the store has it, nothing of it escaped. Throws `invalid_reference`. */
export const wantedOf = (target: Target | undefined, path: string, version?: string): Wanted => ({
  text: textOf(target, path),
  ...(version !== undefined && { version })
})

/** Of a listing: a folder's path ends in a slash, or is empty. Undefined where nothing can be listed. */
export const prefixOf = (target: Target | undefined, folder: string): string | undefined =>
  target?.kind === 'below' ? `${target.store}:${encodeText(target.path + folder)}` : undefined
