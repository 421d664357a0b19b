/**
 * Answers that go on: `GET /v1/events`. Rule: as in `client.ts`, one origin, verified TLS and no redirect; the head has a
 * deadline, and who reads the body sees to its end.
 */
import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { authoritiesOf, baseOf, type ClientOptions, RefusedByService, shownOf } from '../client.ts'

export interface StreamQuestion {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

/** An answer of any status. Rejects with a CommandFailure where there is none. */
export type OpenStream = (question: StreamQuestion) => Promise<IncomingMessage>

/** For the head. */
const DEADLINE_MS = 10_000

const codeOf = (error: unknown): string => {
  const { code } = error as { readonly code?: unknown }
  return typeof code === 'string' && /^[A-Z_0-9]{1,60}$/.test(code) ? ` (${code})` : ''
}

/** Rejects with a CommandFailure for an address or a file that cannot be. */
export const createStreams = async ({
  url,
  caFile,
  certificate,
  deadlineMs = DEADLINE_MS
}: ClientOptions): Promise<OpenStream> => {
  const base = baseOf(url)
  const ca = caFile === undefined ? undefined : await authoritiesOf(caFile)
  const request = base.startsWith('https:') ? requestHttps : requestHttp
  return async ({ path, headers, signal }) => {
    const shown = certificate && (await shownOf(certificate))
    return await new Promise((done, fail) => {
      const trust = { rejectUnauthorized: true, ...(ca !== undefined && { ca }), ...shown }
      // A connection of its own: its end is the end of the stream.
      const verified = { agent: false, ...trust }
      const asked = request(base + path, { ...verified, headers: { ...headers }, signal })
      // Not of the socket: that begins with the connection, and again with each byte.
      const late = setTimeout(() => asked.destroy(new Error('no answer in time')), deadlineMs)
      asked.once('response', (answer) => {
        clearTimeout(late)
        done(answer)
      })
      // Later ones are the stream's.
      asked.on('error', (error) => {
        clearTimeout(late)
        fail(
          new RefusedByService(`The service at PURSER_URL cannot be reached${codeOf(error)}.`, 0)
        )
      })
      asked.end()
    })
  }
}
