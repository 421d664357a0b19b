/** What every problem has to be, whatever went wrong: one shape, the table's words, and nothing of what was sent. */
import type { Test } from 'tap'
import { PROBLEMS, type ProblemBody, type ProblemCode } from '../../src/core/problem.ts'
import type { Canary } from './canary.ts'

export interface Answered {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

/** OWASP's headers for an API whose answers are never a page (HTTP Headers Cheat Sheet), and no trace of what made them. */
const SECURITY_HEADERS: Readonly<Record<string, RegExp>> = {
  'cache-control': /^no-store$/,
  'content-security-policy': /^default-src 'none';frame-ancestors 'none'$/,
  'cross-origin-resource-policy': /^same-origin$/,
  'referrer-policy': /^no-referrer$/,
  'strict-transport-security': /^max-age=31536000; includeSubDomains$/,
  'x-content-type-options': /^nosniff$/,
  'x-frame-options': /^DENY$/
}

const MEMBERS = new Set([
  'type',
  'title',
  'status',
  'code',
  'detail',
  'instance',
  'retryable',
  'retryAfter',
  'errors'
])

const headerFaults = ({ headers }: Answered): string[] => [
  ...Object.entries(SECURITY_HEADERS)
    .filter(([name, expected]) => !expected.test(String(headers[name])))
    .map(([name]) => `${name}: ${headers[name]}`),
  ...['server', 'x-powered-by'].filter((name) => name in headers)
]

export const assertSafeHeaders = (t: Test, answer: Answered, what = ''): void => {
  t.same(headerFaults(answer), [], `${what}: headers`)
}

export interface Expected {
  readonly code: ProblemCode
  /** Must not be found in the answer. */
  readonly canary?: Canary
  /** An answer to HEAD has no body. */
  readonly bodiless?: boolean
  readonly what?: string
}

/** Into the request, or to a credential that was to stand in the answer. */
const POINTER = /^\/(?:body|querystring|params|headers|credentials|provider)(?:\/[A-Za-z0-9_.-]+)*$/

/** `check` names what is wrong unless it holds. */
const bodyFaults = (
  { headers }: Answered,
  body: ProblemBody,
  code: ProblemCode,
  check: (holds: boolean, what: string) => string[]
): string[] => {
  const { status, title, retryable } = PROBLEMS[code]
  const expected = { type: `urn:purser:problem:${code}`, title, status, code, retryable }
  const members = Object.keys(body).filter((member) => !MEMBERS.has(member))
  const waits = status === 429 || status === 503
  const instance = `urn:purser:request:${headers['x-request-id']}`
  return [
    ...Object.entries(expected).flatMap(([name, value]) =>
      check(body[name as keyof ProblemBody] === value, name)
    ),
    ...check(members.length === 0, `members ${members}`),
    ...check(typeof headers['x-request-id'] === 'string', 'x-request-id'),
    ...check(body.instance === instance, 'instance'),
    ...check((body.retryAfter !== undefined) === waits, 'retryAfter'),
    ...check(
      !waits || Number(headers['retry-after']) === Math.ceil(body.retryAfter ?? 0),
      'header'
    ),
    ...(body.errors ?? []).flatMap(({ pointer, rule }) =>
      check(POINTER.test(pointer) && /^\w+$/.test(rule), `${pointer} ${rule}`)
    )
  ]
}

/** Fails unless the answer is the problem of that code in every member and header; gives its body back. */
export const assertProblem = (
  t: Test,
  answer: Answered,
  { code, canary, bodiless = false, what = code }: Expected
): Partial<ProblemBody> => {
  const check = (holds: boolean, fault: string): string[] => (holds ? [] : [fault])
  const { statusCode, headers } = answer
  const { status } = PROBLEMS[code]
  const isProblem = headers['content-type'] === 'application/problem+json; charset=utf-8'
  const body: ProblemBody | undefined =
    isProblem && answer.body !== '' ? JSON.parse(answer.body) : undefined
  const challenges = status === 401 || code === 'insufficient_scope'
  const faults = [
    ...check(statusCode === status, `status ${statusCode} ${body?.code}`),
    ...check(isProblem, `content-type ${headers['content-type']}`),
    ...headerFaults(answer),
    ...(canary?.findIn(`${JSON.stringify(headers)}${answer.body}`) ?? []),
    ...check((headers['www-authenticate'] !== undefined) === challenges, 'www-authenticate'),
    ...check((answer.body === '') === bodiless, 'body'),
    ...(body === undefined ? [] : bodyFaults(answer, body, code, check))
  ]
  t.same(faults, [], what)
  return body ?? {}
}
