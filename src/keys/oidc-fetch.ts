/**
 * What the provider of sign-ins or an issuer of tokens answers, within bounds. Rule: a whole answer is there within a
 * deadline and a size, and its JSON has one meaning, or it is a fault; nothing of it goes further than who reads it.
 */
import { ProviderFault } from '../core/fault.ts'
import { asJson } from '../core/json.ts'
import { oneMeaningOf } from '../core/one-meaning.ts'

/** As the library asks. */
interface AskedFetch {
  readonly method: string
  readonly headers: Record<string, string>
  readonly body?: RequestInit['body'] | undefined
}

/** From the request to the last byte. */
const DEADLINE_MS = 5_000
/** Metadata and keys of large providers have some kilobytes. */
const BYTES_MAX = 256 * 1024

const readBounded = async (response: Response): Promise<Uint8Array<ArrayBuffer>> => {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength
    if (length > BYTES_MAX) throw new ProviderFault('invalid_answer')
    chunks.push(chunk)
  }
  return new Uint8Array(Buffer.concat(chunks))
}

/** JSON with a member that stands twice, and the like. */
const isAmbiguous = (bytes: Uint8Array): boolean =>
  asJson(Buffer.from(bytes).toString()) !== undefined && oneMeaningOf(bytes, true) === undefined

const HAS_NO_BODY: ReadonlySet<number> = new Set([204, 205, 304])

/** Rejects with a ProviderFault. A redirect is no answer, and is not followed. */
export const createBoundedFetch =
  (send: typeof globalThis.fetch, deadlineMs = DEADLINE_MS) =>
  async (url: string, { body, headers, method }: AskedFetch): Promise<Response> => {
    const signal = AbortSignal.timeout(deadlineMs)
    try {
      const asked = { headers, method, ...(body != null && { body }) }
      const response = await send(url, { ...asked, signal, redirect: 'manual' })
      const { status } = response
      const text = await readBounded(response)
      if (isAmbiguous(text)) throw new ProviderFault('invalid_answer')
      return new Response(HAS_NO_BODY.has(status) ? null : text, {
        status,
        headers: response.headers
      })
    } catch (error) {
      if (error instanceof ProviderFault) throw error
      // Of Node's fetch, which says only in the cause what failed, such as ENOTFOUND.
      const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException
      throw new ProviderFault(signal.aborted ? 'timeout' : 'unavailable', { code })
    }
  }
