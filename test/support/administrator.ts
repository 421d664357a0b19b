/** An administrator's browser: what it keeps of the cookies, and what it says of the page that asks. */
import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import type { TestApp } from './build-app.ts'

type Headers = Readonly<Record<string, string>>

export interface Asking {
  readonly headers?: Headers
  readonly payload?: InjectOptions['payload']
  readonly address?: string
}

export interface Browser {
  /** By name, as the answers have set them. */
  readonly cookies: Map<string, string>
  /** As a page of the service asks, unless the headers say otherwise. */
  readonly ask: (method: string, url: string, asking?: Asking) => Promise<LightMyRequestResponse>
  /** Signs in with the key, and keeps the token for what changes. */
  readonly signIn: (key: string, asking?: Asking) => Promise<LightMyRequestResponse>
}

export const SAME_ORIGIN = { host: 'purser.example', 'sec-fetch-site': 'same-origin' }
export const ORIGIN = 'https://purser.example'

export const setCookies = ({ headers }: LightMyRequestResponse): string[] =>
  [headers['set-cookie'] ?? []].flat()

export const openBrowser = ({ app }: Pick<TestApp, 'app'>): Browser => {
  const cookies = new Map<string, string>()
  let csrfToken = ''
  const keep = (answer: LightMyRequestResponse): void => {
    for (const line of setCookies(answer)) {
      const [pair = ''] = line.split(';')
      const at = pair.indexOf('=')
      if (/Max-Age=0(;|$)/.test(line)) cookies.delete(pair.slice(0, at))
      else cookies.set(pair.slice(0, at), pair.slice(at + 1))
    }
  }
  const ask: Browser['ask'] = async (method, url, { headers, payload, address } = {}) => {
    const isSafe = method === 'GET' || method === 'HEAD'
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const answer = await app.server.inject({
      method: method as 'GET',
      url,
      headers: {
        ...SAME_ORIGIN,
        ...(!isSafe && { origin: ORIGIN, 'x-csrf-token': csrfToken }),
        ...(cookie !== '' && { cookie }),
        ...headers
      },
      ...(payload !== undefined && { payload }),
      ...(address !== undefined && { remoteAddress: address })
    })
    keep(answer)
    const told = answer.statusCode < 300 && url === '/v1/sessions' && method !== 'DELETE'
    if (told) csrfToken = answer.json().csrfToken
    return answer
  }
  return {
    cookies,
    ask,
    signIn: (key, { headers, ...asking } = {}) =>
      ask('POST', '/v1/sessions', { ...asking, headers: { 'x-api-key': key, ...headers } })
  }
}
