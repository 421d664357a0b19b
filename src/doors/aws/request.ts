/**
 * What the body of an AWS client's request says, after its signature was verified. Rule: it means one thing, and nothing that
 * it says comes back in an error.
 */
import type { Static, TSchema } from 'typebox'
import { fitting } from '../../core/fits.ts'
import { ProblemError } from '../../core/problem.ts'
import { parseJson } from '../../http/json.ts'

/** Throws `invalid_request`. */
export const bodyReader = <T extends TSchema>(schema: T): ((body: Buffer) => Static<T>) => {
  const isRequest = fitting(schema)
  return (body) => {
    const value = body.length === 0 ? {} : parseJson(body)
    if (isRequest(value)) return value
    throw new ProblemError('invalid_request', {
      detail: 'a member is missing, is not as it has to be, or is not served here'
    })
  }
}
