/**
 * Like `fetch`, by a transport: with authorities of one's own, and through an outgoing proxy, neither of which Node's has.
 * Rule: the file of authorities is read each time, since it may be renewed; a failure is a ProviderFault.
 */
import { ProviderFault } from '../../core/fault.ts'
import { pemOfFile } from '../../core/file-text.ts'
import { readFileBytes } from '../../files/read.ts'
import { createTransport } from './http-transport.ts'
import { type Route, straight } from './proxy.ts'

/** For whoever brings no signal. */
const DEADLINE_MS = 5_000
const LARGEST_ANSWER_BYTES = 256 * 1024

export interface FetchReach {
  /** The only authorities to trust; the public ones if absent. */
  readonly caFile?: string | undefined
  readonly route?: Route
}

export const fetchBy =
  ({ caFile, route = straight }: FetchReach): typeof globalThis.fetch =>
  async (input, init) => {
    const url = String(input)
    const ca = caFile === undefined ? undefined : pemOfFile(await readFileBytes(caFile)).toString()
    const transport = createTransport(new URL(url).origin, {
      ...(ca !== undefined && { ca: [ca] }),
      route,
      largestAnswerBytes: LARGEST_ANSWER_BYTES
    })
    try {
      const { status, text } = await transport.send({
        method: init?.method ?? 'GET',
        url,
        headers: Object.fromEntries(new Headers(init?.headers)),
        ...(typeof init?.body === 'string' && { body: init.body }),
        signal: init?.signal ?? AbortSignal.timeout(DEADLINE_MS)
      })
      if (status < 200 || status > 599) throw new ProviderFault('invalid_answer')
      const hasNoBody = [204, 205, 304].includes(status)
      return new Response(hasNoBody ? null : text, { status })
    } finally {
      transport.close()
    }
  }
