/**
 * Questions to the service with the key of the session. Rule: a key that is refused is asked for anew once, and a failure
 * is an `Unread`, whatever it was.
 */
import type { IncomingMessage } from 'node:http'
import type { Sensitive } from '../../core/secret.ts'
import type { Answer, Client } from '../client.ts'
import type { Session } from './session.ts'
import type { OpenStream, StreamQuestion } from './streams.ts'
import { refusal, Unread, unreachable } from './unread.ts'

export interface Question {
  /** With its query. */
  readonly path: string
  /** What the question is about, to be named in a failure. */
  readonly what?: string
  readonly signal: AbortSignal
}

export interface Purser {
  /** An answer of 200. */
  readonly ask: (question: Question) => Promise<Answer>
  readonly open: (question: StreamQuestion) => Promise<IncomingMessage>
}

export interface PurserOptions {
  readonly client: Pick<Client, 'request'>
  readonly openStream: OpenStream
  readonly session: Session
}

const retryAfterOf = ({ headers }: IncomingMessage): number | undefined => {
  const text = headers['retry-after'] ?? ''
  return /^\d{1,5}$/.test(text) ? Number(text) : undefined
}

export const createPurser = ({ client, openStream, session }: PurserOptions): Purser => {
  /** Twice where the key was refused the first time. */
  const tried = async <T>(once: (key: Sensitive<string>) => Promise<T>): Promise<T> => {
    const attempt = async (): Promise<T> => {
      const key = await session.key()
      return once(key).catch((error: unknown) => {
        const failure = error instanceof Unread ? error : unreachable(error)
        if (failure.isKeyRefused) session.refused(key)
        throw failure
      })
    }
    return attempt().catch((error: unknown) => {
      if (error instanceof Unread && error.isKeyRefused) return attempt()
      throw error
    })
  }
  return {
    ask: ({ path, what, signal }) =>
      tried(async (key) => {
        const answer = await client.request('GET', path, { key: key.reveal(), signal })
        if (answer.status !== 200) throw refusal(what, answer)
        return answer
      }),
    open: (question) =>
      tried(async (key) => {
        const headers = { ...question.headers, authorization: `Bearer ${key.reveal()}` }
        const answer = await openStream({ ...question, headers })
        const status = answer.statusCode ?? 0
        if (status === 200) return answer
        answer.destroy()
        throw refusal(undefined, { status, json: undefined, retryAfter: retryAfterOf(answer) })
      })
  }
}
