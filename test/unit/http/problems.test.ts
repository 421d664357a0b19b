import { test } from 'tap'
import { ProblemError } from '../../../src/core/problem.ts'
import { toProblemError } from '../../../src/http/problems.ts'

test('a status is believed of Fastify only, since other libraries mean that of their peer', async (t) => {
  const peers = [400, 401, 403, 404, 413, 429, 503].flatMap((statusCode) => [
    Object.assign(new Error('peer'), { statusCode, code: 'AccessDenied' }),
    Object.assign(new Error('peer'), { statusCode }),
    { statusCode, code: 'FST_ERR_VALIDATION' }
  ])
  for (const thrown of [...peers, 'text', null, undefined, 404, new TypeError('x')]) {
    t.equal(toProblemError(thrown).code, 'internal_error')
  }
})

test("Fastify's own statuses become ours, and those that are not in the table an internal error", async (t) => {
  const codeOf = (statusCode: number): string =>
    toProblemError(Object.assign(new Error('x'), { statusCode, code: 'FST_ERR_X' })).code
  t.equal(codeOf(413), 'payload_too_large')
  t.equal(codeOf(414), 'uri_too_long')
  t.equal(codeOf(415), 'unsupported_media_type')
  t.equal(codeOf(418), 'internal_error')
  t.equal(codeOf(500), 'internal_error')
})

test('a problem stays what it is', async (t) => {
  const problem = new ProblemError('access_denied')
  t.equal(toProblemError(problem), problem)
})
