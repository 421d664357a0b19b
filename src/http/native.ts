/** The door of Purser's own interface: JSON in, JSON out, errors as RFC 9457 has them. */
import { ProblemError } from '../core/problem.ts'
import { apiKeyIn } from './credentials.ts'
import type { BodyParser, Door } from './door.ts'
import { parseForm, takesForm } from './form.ts'
import { parseJson } from './json.ts'
import { problemShape } from './problems.ts'

export const parseBody: BodyParser = (request, body) => {
  const { headers, routeOptions } = request
  if (takesForm(request)) throw new ProblemError('unsupported_media_type')
  // JSON is UTF-8 (RFC 8259, 8.1), and its media type has no charset; a request that names another charset is refused.
  if (/charset=(?!"?utf-8"?\s*(;|$))/i.test(headers['content-type'] ?? '')) {
    throw new ProblemError('unsupported_media_type')
  }
  // Bodies are not decompressed (RFC 9110, 8.4): a compressed one is not JSON.
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw new ProblemError('unsupported_media_type')
  }
  // A chunked body without a chunk.
  return body.length === 0 ? undefined : parseJson(body, routeOptions.config.keepsDigits)
}

export const nativeDoor = (door: Pick<Door, 'listener' | 'corsOrigins' | 'addRoutes'>): Door => ({
  ...door,
  name: 'native',
  parsers: { 'application/json': parseBody, 'application/x-www-form-urlencoded': parseForm },
  keyIn: apiKeyIn,
  errorShape: problemShape
})
