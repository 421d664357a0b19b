/**
 * The way to the API. Rule: the session is the browser's cookie, which no script sees; what changes something is sent
 * once, and never again by itself; a request that the page makes without its user says so, and renews no session.
 */

const BASE = '/console/api'

/** What a problem of the API says (RFC 9457), and what is wrong before there is an answer. */
export class Problem extends Error {
  readonly status: number
  readonly code: string
  readonly requestId: string | undefined
  /** Whether the API says more than what such a problem is called. */
  readonly hasDetail: boolean

  constructor(status: number, code: string, detail: string, requestId?: string, hasDetail = false) {
    super(detail)
    this.status = status
    this.code = code
    this.requestId = requestId
    this.hasDetail = hasDetail
  }
}

export interface Asking {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly body?: unknown
  /** An API key, instead of the session. */
  readonly apiKey?: string
  /** Nobody has asked for it: it renews no session. */
  readonly background?: boolean
  readonly accept?: string
  readonly signal?: AbortSignal
}

export interface Signs {
  /** The session's token for what changes something. */
  readonly csrfToken: () => string | undefined
  /** Called where the session has ended; resolves once somebody is signed in again. */
  readonly expired: () => Promise<void>
  /** Asks anew which session the browser has. */
  readonly refresh: () => Promise<unknown>
}

let signs: Signs | undefined

/** Once, at the start. */
export const useSigns = (given: Signs): void => {
  signs = given
}

export const urlOf = (path: string, query: Asking['query'] = {}): string => {
  const given = Object.entries(query).filter((one): one is [string, string] => Boolean(one[1]))
  const text = new URLSearchParams(given).toString()
  return `${BASE}${path}${text === '' ? '' : `?${text}`}`
}

const headersOf = (asking: Asking): Record<string, string> => {
  const { method = 'GET', body, apiKey, background = false, accept = 'application/json' } = asking
  const token = signs?.csrfToken()
  return {
    accept,
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
    ...(method !== 'GET' && apiKey === undefined && token && { 'x-csrf-token': token }),
    ...(method === 'GET' && !background && { 'x-user-act': '1' })
  }
}

const problemOf = async (response: Response): Promise<Problem> => {
  const { status, headers } = response
  const body: unknown = await response.json().catch(() => undefined)
  const { code, detail, title } = (body ?? {}) as Partial<Record<string, unknown>>
  const text = [detail, title].find((one) => typeof one === 'string') as string | undefined
  return new Problem(
    status,
    typeof code === 'string' ? code : 'unreadable_answer',
    text ?? `the service answered ${status}`,
    headers.get('x-request-id') ?? undefined,
    typeof detail === 'string'
  )
}

const send = async (path: string, asking: Asking): Promise<Response> => {
  const { method = 'GET', query, body, signal } = asking
  try {
    return await fetch(urlOf(path, query), {
      method,
      headers: headersOf(asking),
      credentials: 'same-origin',
      cache: 'no-store',
      redirect: 'error',
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal !== undefined && { signal })
    })
  } catch (error) {
    if (signal?.aborted === true) throw error
    throw new Problem(0, 'unreachable', 'the service does not answer: see that it runs')
  }
}

const ENDED: ReadonlySet<string> = new Set(['session_required', 'session_expired'])

/** The answer, if it is no problem. Rejects with a Problem. */
export const askRaw = async (path: string, asking: Asking = {}): Promise<Response> => {
  const { method = 'GET', apiKey, background = false } = asking
  let isRepeated = false
  for (;;) {
    const response = await send(path, asking)
    if (response.ok) return response
    const problem = await problemOf(response)
    if (apiKey !== undefined || isRepeated) throw problem
    isRepeated = true
    if (ENDED.has(problem.code)) {
      const again = signs?.expired()
      // Only a look is worth repeating: whoever changes something does so again by hand, in the new session.
      if (method !== 'GET' || background) throw problem
      await again
      continue
    }
    // Another tab has signed in anew: this one has the token of the session before.
    if (problem.code !== 'csrf_failed') throw problem
    await signs?.refresh()
  }
}

export const ask = async <T>(path: string, asking: Asking = {}): Promise<T> => {
  const response = await askRaw(path, asking)
  try {
    return (await response.json()) as T
  } catch {
    throw new Problem(response.status, 'unreadable_answer', 'the answer could not be read')
  }
}
