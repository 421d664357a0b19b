/**
 * A request of an AWS client, after its signature was verified: which operation, in which region, and what its body says.
 * Rule: a body means one thing, and nothing that it says comes back in an error.
 */
import type { Static, TSchema } from 'typebox'
import { fitting } from '../../core/fits.ts'
import { ProblemError } from '../../core/problem.ts'
import { parseJson } from '../../http/json.ts'

const TARGET = /^secretsmanager\.([A-Za-z]{1,64})$/

/** The operation's name; undefined for what is none of this service. */
export const operationIn = (target: string | string[] | undefined): string | undefined =>
  typeof target === 'string' ? TARGET.exec(target)?.[1] : undefined

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
