/**
 * A bound on every answer that reaches this process through `node:http`, whoever asked. SDKs log in by connections of
 * their own, and read whole what a token endpoint or a metadata service says, however long it takes. Rule: what is
 * longer than any answer that is meant for us, or takes longer, ends with its connection; whoever asked sees a failure.
 */

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ClientRequest, IncomingMessage } from 'node:http'

export interface AnswerBound {
  readonly mostBytes: number
  /** From the request to the end of its answer. */
  readonly withinMs: number
}

/** Twice the largest that is awaited (a batch of AWS), and beyond the deadline of any call or login. */
const BOUND: AnswerBound = { mostBytes: 16 * 1024 * 1024, withinMs: 60_000 }

const failure = (code: string): Error =>
  Object.assign(new Error('the answer of a peer is beyond its bound'), { name: code, code })

/** Until the function that comes back is called. */
export const boundAnswers = ({ mostBytes, withinMs }: AnswerBound): (() => void) => {
  const onRequest = (message: unknown): void => {
    const { request } = message as { readonly request: ClientRequest }
    const timer = setTimeout(() => request.destroy(failure('ETIMEDOUT')), withinMs).unref()
    request.once('close', () => clearTimeout(timer))
  }

  const onAnswer = (message: unknown): void => {
    const { response } = message as { readonly response: IncomingMessage }
    const push = response.push.bind(response)
    let size = 0
    // By a listener the answer would begin to flow before whoever asked for it listens.
    response.push = (chunk: Buffer | null, encoding) => {
      size += chunk?.length ?? 0
      if (size <= mostBytes) return push(chunk, encoding)
      response.destroy(failure('too_large'))
      return false
    }
  }

  subscribe('http.client.request.start', onRequest)
  subscribe('http.client.response.finish', onAnswer)
  return () => {
    unsubscribe('http.client.request.start', onRequest)
    unsubscribe('http.client.response.finish', onAnswer)
  }
}

let isBound = false

/** For a kind whose SDK logs in by itself; once in a process, for good. */
export const boundEveryAnswer = (): void => {
  if (isBound) return
  isBound = true
  boundAnswers(BOUND)
}
