/**
 * A secret's text for the answers of all dialects: the one place of this floor where a value is revealed. Rule: fields
 * leave as the JSON that is stored, since a number that is parsed and printed again may have other digits.
 */

import { withoutMark } from '../core/file-text.ts'
import { type JsonNode, printJson, readJson } from '../core/json-text.ts'
import { ProblemError } from '../core/problem.ts'
import type { View } from '../secrets/view.ts'

export interface SecretText {
  /** As its store has it; of bytes the base64. */
  readonly text: string
  readonly isBinary: boolean
  /** If the text is a JSON object: its fields, in order. */
  readonly object: JsonNode | undefined
}

/** The terms on which doors read: a whole secret is its text, also if it is an object of one field. */
export const AS_STORED = { raw: true } as const

/** Of a view that was read AS_STORED. */
export const textOf = ({ selection }: View): SecretText => {
  if (!('value' in selection)) throw new ProblemError('internal_error')
  const text = selection.value.reveal()
  const isBinary = selection.encoding !== undefined
  const plain = withoutMark(text)
  const object = isBinary || !/^\s*\{/.test(plain) ? undefined : readJson(plain)
  return { text, isBinary, object }
}

/** The JSON of an object. */
export const jsonOf = (object: JsonNode): string => printJson(object)

/** Characters. Longer answers are written each time: kept, they would double what cached secrets take of the memory. */
const KEPT_MAX = 4 * 1024

interface Written {
  readonly by: string
  readonly text: string
}

/**
 * Writes what an answer says of a view; a short text once for as long as the secret is cached. `by`: what else it depends on,
 * of which the last is kept.
 */
export const writtenOnce = <More extends readonly unknown[]>(
  write: (view: View, ...more: More) => string,
  by: (...more: More) => string = () => ''
): ((view: View, ...more: More) => string) => {
  const written = new WeakMap<View, Written>()
  return (view, ...more) => {
    const known = written.get(view)
    const wanted = by(...more)
    if (known?.by === wanted) return known.text
    const text = write(view, ...more)
    if (text.length <= KEPT_MAX) written.set(view, { by: wanted, text })
    return text
  }
}
