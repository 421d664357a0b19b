import { test } from 'tap'
import { PROBLEMS, type ProblemCode, ProblemError } from '../../../../src/core/problem.ts'
import { daprShape } from '../../../../src/doors/dapr/errors.ts'

const answerOf = (code: ProblemCode, retryAfter?: number) =>
  daprShape(new ProblemError(code, { retryAfter }), 'id')

test('every code has an answer, in a status that Dapr or its limit has', async (t) => {
  for (const code of Object.keys(PROBLEMS) as ProblemCode[]) {
    const { status, headers, body } = answerOf(code)
    if (status === 204) t.same([headers, body], [{}, undefined], code)
    else if (status === 401 && headers['content-type'] !== 'application/json') {
      t.equal(body, 'invalid api token', code)
    } else if (code !== 'rate_limited') {
      t.match(JSON.parse(body ?? ''), { errorCode: /^ERR_[A-Z_]+$/, message: /./ }, code)
    }
  }
})

test('whatever a store does is one answer, and how long to wait is told', async (t) => {
  const failed = answerOf('store_denied')
  t.same(failed, {
    status: 500,
    headers: { 'content-type': 'application/json' },
    body: '{"errorCode":"ERR_SECRET_GET","message":"failed getting secret"}'
  })
  for (const code of ['store_misconfigured', 'store_invalid_answer', 'store_timeout'] as const) {
    t.same(answerOf(code), failed, code)
  }
  for (const code of ['store_throttled', 'store_unavailable'] as const) {
    const { status, headers, body } = answerOf(code, 6.2)
    t.same([status, headers['retry-after'], body], [500, 7, failed.body], code)
  }
  t.match(answerOf('rate_limited', 3), { status: 429, headers: { 'retry-after': 3 } })
  for (const code of ['overloaded', 'audit_unavailable'] as const) {
    t.match(answerOf(code), { status: 503, headers: { 'retry-after': 2 } }, code)
  }
})

test('who may not is told the same, whatever it lacks', async (t) => {
  const denied = answerOf('access_denied')
  t.equal(denied.status, 403)
  for (const code of ['insufficient_scope', 'insufficient_mode', 'version_too_old'] as const) {
    t.same(answerOf(code), denied, code)
  }
})
