/**
 * The parts of a token in compact form (RFC 7515, 7.1). Rule: a part has one meaning for every reader: of a member that
 * stands twice one would read the first and another the last (RFC 7519, 4).
 */
import { isObject } from '../core/json.ts'
import { oneMeaningOf } from '../core/one-meaning.ts'

type Part = Readonly<Record<string, unknown>>

/** Header or claims, of which nothing is believed yet. Undefined for what is no object, or could be two. */
export const objectIn = (segment: string): Part | undefined => {
  // Nobody here counts with a number that a double does not hold.
  const value = oneMeaningOf(Buffer.from(segment, 'base64url'), true)?.value
  return isObject(value) ? value : undefined
}

/** Whether both say one thing, of a token that a library takes apart by itself. */
export const hasOneMeaning = (token: string): boolean =>
  token
    .split('.')
    .slice(0, 2)
    .every((segment) => objectIn(segment) !== undefined)
