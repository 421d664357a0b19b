/**
 * Questions to the service with the key of the session. Rule: a key that is refused is asked for anew once, and a failure
 * is an `Unread`, whatever it was.
 */
import type { IncomingMessage } from 'node:http'
import type { Sensitive } from '../../core/secret.ts'
import type { Session } from './session.ts'
import { refusal, Unread, unreachable } from './unread.ts'
import { type Answer, type Question, retryAfterOf, type Wire } from './wire.ts'

export interface Purser {
  /** An answer of 200. `what` is said of in a failure. */
  readonly ask: (question: Question, what?: string) => Promise<Answer>
  readonly open: (question: Question) => Promise<IncomingMessage>
}

const withKey = (question: Question, key: Sensitive<string>): Question => ({
  ...question,
  headers: { ...question.headers, authorization: `Bearer ${key.reveal()}` }
})

export const createPurser = (wire: Wire, session: Session): Purser => {
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
    ask: (question, what) =>
      tried(async (key) => {
        const answer = await wire.ask(withKey(question, key))
        if (answer.status !== 200) throw refusal(what, answer)
        return answer
      }),
    open: (question) =>
      tried(async (key) => {
        const answer = await wire.open(withKey(question, key))
        if (answer.statusCode === 200) return answer
        answer.destroy()
        const status = answer.statusCode ?? 0
        throw refusal(undefined, { status, body: '', retryAfterMs: retryAfterOf(answer) })
      })
  }
}
