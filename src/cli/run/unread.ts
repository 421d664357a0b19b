/**
 * Why secrets could not be had. Rule: it says which reference and which code, and nothing that the service said besides.
 */
import { isObject } from '../../core/json.ts'
import { PROBLEMS, type ProblemCode } from '../../core/problem.ts'
import { type Answer, RefusedByService } from '../client.ts'
import { CommandFailure } from '../failure.ts'

export interface Lack {
  /** A reference or a prefix as the command line or the listing has it; undefined: it is about all of them. */
  readonly what: string | undefined
  /** A code of the service, or a word of ours. */
  readonly code: string
  /** For people. */
  readonly why: string
}

export class Unread extends Error {
  readonly lacks: readonly Lack[]
  /** Whether asking again may help. */
  readonly isRetryable: boolean
  readonly retryAfterMs: number | undefined
  /** The key is not accepted. */
  readonly isKeyRefused: boolean

  constructor(
    lacks: readonly Lack[],
    {
      isRetryable = false,
      isKeyRefused = false,
      retryAfterMs = undefined as number | undefined
    } = {}
  ) {
    super(lacks.map(sentenceOf).join('\n'))
    this.name = 'Unread'
    this.lacks = lacks
    this.isRetryable = isRetryable
    this.isKeyRefused = isKeyRefused
    this.retryAfterMs = retryAfterMs
  }
}

const sentenceOf = ({ what, code, why }: Lack): string =>
  `${what === undefined ? '' : `${what}: `}${code}: ${why}.`

const isCode = (code: unknown): code is ProblemCode =>
  typeof code === 'string' && Object.hasOwn(PROBLEMS, code)

/** Of a problem (RFC 9457) as the service writes it; the title is ours, looked up by the code. */
export const lackOf = (what: string | undefined, problem: unknown, status: number): Lack => {
  const code = isObject(problem) ? problem['code'] : undefined
  if (isCode(code)) return { what, code, why: PROBLEMS[code].title }
  // Of a stream only the head is read.
  if (status === 401) return { what, code: 'key_refused', why: 'The service refused the key' }
  return { what, code: 'unexpected_answer', why: `The answer has status ${status} and no code` }
}

const TEMPORARY: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504])

export const isTemporary = (status: number): boolean => TEMPORARY.has(status)

/** Of an answer that is no success at all; `retryAfter` in seconds. */
export const refusal = (
  what: string | undefined,
  { status, json, retryAfter }: Pick<Answer, 'status' | 'json' | 'retryAfter'>
): Unread =>
  new Unread([lackOf(what, json, status)], {
    isRetryable: isTemporary(status),
    isKeyRefused: status === 401,
    retryAfterMs: retryAfter === undefined ? undefined : retryAfter * 1000
  })

const withoutStop = (sentence: string): string => sentence.replace(/\.$/, '')

/** Of a question that got no answer, or a login that was refused: what was thrown is a sentence of ours. */
export const unreachable = (error: unknown, code = 'unreachable'): Unread => {
  if (!(error instanceof CommandFailure)) throw error
  const isRetryable = !(error instanceof RefusedByService) || error.isPassing
  const retryAfter = error instanceof RefusedByService ? error.retryAfter : undefined
  return new Unread([{ what: undefined, code, why: withoutStop(error.message) }], {
    isRetryable,
    retryAfterMs: retryAfter === undefined ? undefined : retryAfter * 1000
  })
}
