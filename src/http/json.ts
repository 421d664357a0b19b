/** A request's JSON body. Rule: it has one meaning for every reader (`core/one-meaning.ts`), with every digit of its numbers. */
import { type JsonNode, readJson } from '../core/json-text.ts'
import { oneMeaningOf } from '../core/one-meaning.ts'
import { ProblemError } from '../core/problem.ts'

/** Of bodies whose route hands their numbers on as they are written, which a parsed body cannot. */
const texts = new WeakMap<object, string>()

/** The JSON of a member of such a body, as it is written. */
export const writtenMember = (body: object, name: string): JsonNode | undefined =>
  writtenBody(body)?.members?.get(name)

/** The JSON of such a body, as it is written. */
export const writtenBody = (body: object): JsonNode | undefined => readJson(texts.get(body) ?? '')

/** Throws `invalid_request`, which repeats nothing of the body. `keepsDigits`: it is read by `writtenMember`. */
export const parseJson = (body: Buffer, keepsDigits = false): unknown => {
  const said = oneMeaningOf(body, keepsDigits)
  if (said === undefined) {
    throw new ProblemError('invalid_request', { errors: [{ pointer: '/body', rule: 'json' }] })
  }
  if (keepsDigits && said.value instanceof Object) texts.set(said.value, said.text)
  return said.value
}
