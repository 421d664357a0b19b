import { test } from 'tap'
import { FAULT_REASONS, ProviderFault } from '../../../src/core/fault.ts'
import {
  denied,
  PROBLEMS,
  ProblemError,
  problemOfFault,
  toProblem,
  toProblemBody
} from '../../../src/core/problem.ts'

test('what a store did is told as its problem with the time to wait, and what nobody expected as nothing more than that', async (t) => {
  for (const reason of FAULT_REASONS) {
    const { code, details } = toProblem(new ProviderFault(reason, { retryAfterSeconds: 7 }))
    t.same([code, details], [problemOfFault[reason], { retryAfter: 7 }])
  }
  const problem = new ProblemError('conflict', { detail: 'somebody was faster' })
  t.equal(toProblem(problem), problem)
  for (const thrown of [new Error('hunter2'), 'hunter2', undefined, { code: 'conflict' }]) {
    const { code, details, message } = toProblem(thrown)
    t.same([code, details], ['internal_error', {}])
    t.notMatch(message, /hunter2/)
  }
})

test('a body has what the problem says and no member for what it does not say', async (t) => {
  const { status, title, retryable } = PROBLEMS.conflict
  const always = { type: 'urn:purser:problem:conflict', title, status, code: 'conflict', retryable }
  t.strictSame(toProblemBody(new ProblemError('conflict')), always)
  const errors = [{ pointer: '/version', rule: 'type' }]
  const detail = 'somebody was faster'
  const problem = new ProblemError('conflict', { detail, retryAfter: 0, errors })
  const instance = 'urn:purser:request:r1'
  const body = toProblemBody(problem, 'r1')
  t.strictSame(body, { ...always, detail, instance, retryAfter: 0, errors })
  t.not(body.errors, errors, 'what is answered may be changed, the problem not')
})

test('why something was refused is in no answer', async (t) => {
  const problem = denied('no_rule')
  t.equal(problem.reason, 'no_rule')
  t.notMatch(JSON.stringify(toProblemBody(problem, 'r1')), /no_rule/)
  t.equal(new ProblemError('access_denied').reason, undefined)
})

test('a problem has its sentence, or that of its code, and costs no stack; other errors keep theirs', async (t) => {
  const problem = new ProblemError('conflict', { detail: 'somebody was faster' })
  t.same([problem.name, problem.message], ['ProblemError', 'somebody was faster'])
  t.equal(new ProblemError('conflict').message, PROBLEMS.conflict.title)
  t.notMatch(problem.stack, /\n/)
  t.match(new Error('a mistake').stack, /\n/)
})
