/**
 * HTTP as `purser run` speaks it with the service. Rule: every request has a deadline and every answer a bound; nothing
 * is followed to another place, and a key travels in the clear to this machine alone.
 */
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'

export interface Question {
  readonly method?: 'GET' | 'POST'
  /** With its query. */
  readonly path: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

export interface Answer {
  readonly status: number
  readonly retryAfterMs: number | undefined
  readonly body: string
}

export interface Wire {
  /** Rejects with the error of the connection, or where the answer takes too long or has no end. */
  readonly ask: (question: Question) => Promise<Answer>
  /** As soon as the head of the answer is there; whoever calls ends it. */
  readonly open: (question: Question) => Promise<IncomingMessage>
}

export const DEADLINE_MS = 15_000
/** More than the largest answer of the service. */
const ANSWER_MAX = 32 * 1024 * 1024

/** Seconds, as the service says them. */
export const retryAfterOf = ({ headers }: IncomingMessage): number | undefined => {
  const text = headers['retry-after'] ?? ''
  return /^\d{1,5}$/.test(text) ? Number(text) * 1000 : undefined
}

const bodyOf = async (answer: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of answer as AsyncIterable<Buffer>) {
    size += part.length
    if (size > ANSWER_MAX) throw new Error('the answer has no end')
    parts.push(part)
  }
  return Buffer.concat(parts).toString()
}

export interface WireOptions {
  /** Scheme, host, port and what a proxy puts before the paths. */
  readonly url: URL
  /** PEM of the authorities to trust, in the place of those that Node knows. */
  readonly ca?: Buffer
}

export const createWire = ({ url, ca }: WireOptions): Wire => {
  const isTls = url.protocol === 'https:'
  const agent = isTls ? new HttpsAgent({ ...(ca && { ca }) }) : new HttpAgent()
  const base = url.pathname.replace(/\/$/, '')
  const open = ({
    method = 'GET',
    path,
    headers,
    body,
    signal
  }: Question): Promise<IncomingMessage> =>
    new Promise((done, fail) => {
      const target = new URL(base + path, url)
      const options = { method, agent, headers: { ...headers }, ...(signal && { signal }) }
      const request = isTls ? requestHttps(target, options) : requestHttp(target, options)
      request.setTimeout(DEADLINE_MS, () => request.destroy(new Error('no answer in time')))
      request.once('response', (answer) => {
        request.setTimeout(0)
        done(answer)
      })
      request.once('error', fail)
      request.end(body)
    })
  return {
    open,
    ask: async (question) => {
      const deadline = AbortSignal.timeout(DEADLINE_MS)
      const signal = question.signal ? AbortSignal.any([deadline, question.signal]) : deadline
      const answer = await open({ ...question, signal })
      const body = await bodyOf(answer)
      return { status: answer.statusCode ?? 0, retryAfterMs: retryAfterOf(answer), body }
    }
  }
}
