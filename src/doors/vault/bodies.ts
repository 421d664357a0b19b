/** What clients of Vault send. Rule: a body is JSON whatever its media type says, since most of them say nothing. */

import { isObject } from '../../core/json.ts'
import { printJson } from '../../core/json-text.ts'
import { ProblemError } from '../../core/problem.ts'
import { Sensitive } from '../../core/secret.ts'
import type { BodyParser } from '../../http/door.ts'
import { parseJson, writtenBody, writtenMember } from '../../http/json.ts'

export const parseBody: BodyParser = ({ headers, routeOptions }, body) => {
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw new ProblemError('unsupported_media_type')
  }
  return body.length === 0 ? undefined : parseJson(body, routeOptions.config.keepsDigits)
}

const invalid = (detail: string): ProblemError => new ProblemError('invalid_request', { detail })

export interface Write {
  readonly text: Sensitive<string>
  /** The version that is to be the newest one still; 0: there is to be none. */
  readonly cas: number | undefined
}

/** Of KV 2: `{"data":{…},"options":{"cas":n}}`. Throws `invalid_request`. */
export const writeIn = (body: unknown): Write => {
  if (!isObject(body)) throw invalid('no data provided')
  const { data, options } = body
  if (!isObject(data)) throw invalid('no data provided')
  if (options !== undefined && options !== null && !isObject(options)) {
    throw invalid('options is no object')
  }
  const { cas } = options ?? {}
  if (cas !== undefined && !(Number.isSafeInteger(cas) && Number(cas) >= 0)) {
    throw invalid('cas is no version')
  }
  const written = writtenMember(body, 'data')
  if (written === undefined) throw invalid('no data provided')
  return { text: new Sensitive(printJson(written)), cas: cas as number | undefined }
}

/** Of KV 1: the fields themselves. Throws `invalid_request`. */
export const fieldsIn = (body: unknown): Sensitive<string> => {
  const written = isObject(body) ? writtenBody(body) : undefined
  if (written?.members === undefined || written.members.size === 0) {
    throw invalid('missing data fields')
  }
  return new Sensitive(printJson(written))
}
