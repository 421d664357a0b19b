/** The door in the dialect of Dapr as tests speak to it; a row of `doors.ts`. */
import type { DoorSubject, Spoken } from './doors.ts'
import { ODD_PATHS } from './odd-paths.ts'
import type { Answered } from './problem.ts'

const TOKEN = 'dapr-api-token'

const daprRequest = (key: string, target: string): Spoken => ({
  method: 'GET',
  target: `/v1.0${target}`,
  headers: [[TOKEN, key]]
})

const TEXTS: ReadonlyMap<number, string> = new Map([
  [401, 'invalid api token'],
  [429, 'You have reached maximum request limit.']
])

/** Whether it is written as a sidecar writes an error: 204 says that there is no secret. */
const isDaprError = ({ statusCode, headers, body }: Answered): boolean => {
  const type = headers['content-type']
  if (statusCode === 204) return body === '' && type === undefined
  const text = TEXTS.get(statusCode)
  if (text !== undefined) return body === text && type === 'text/plain; charset=utf-8'
  if (type !== 'application/json') return false
  const { errorCode, message, ...rest } = JSON.parse(body) as Record<string, unknown>
  const isCode = /^ERR_[A-Z_]+$/.test(String(errorCode))
  return isCode && typeof message === 'string' && Object.keys(rest).length === 0
}

const BESIDES = ['n: alpha', 'm: "alpha:team-a/"', 'm: "alpha:nowhere/"', 'm: beta']
const entryOf = (store: string): string => `{ dialect: dapr, port: 0, stores: { ${store} } }`

export const dapr: DoorSubject = {
  dialect: 'dapr',
  entry: '{ dialect: dapr, port: 0 }',
  stores: ['alpha', 'beta'],
  // As the client for JavaScript writes it: nothing of a key is escaped.
  read: (key, { store, path }) => daprRequest(key, `/secrets/${store}/${path}`),
  list: (key, store) => daprRequest(key, `/secrets/${store}/bulk`),
  readRaw: (key, store, written) => daprRequest(key, `/secrets/${store}/${written}`),
  nowhere: (key) =>
    [
      '/secrets/gamma/team-a/one',
      '/secrets/gamma/bulk',
      '/secrets/gamma/team-a/one?metadata.version_id=1',
      '/secrets/alpha/team-b/one?metadata.version_id=1',
      '/secrets/alpha/team-b/one?metadata.version_id=none',
      '/secrets/secrets/short',
      '/secrets/short/x',
      '/secrets/batch/x',
      '/secrets/https/team-a/one',
      '/secrets/ref+vault/alpha/team-a/one',
      '/secrets/alpha%3Ateam-a/one',
      '/secrets/a%20b/bulk'
    ].map((target) => daprRequest(key, target)),
  hidden: {
    entries: [...BESIDES, 'm: alpha', 'm: "secrets:"'].map(entryOf),
    besides: BESIDES.map(entryOf),
    requests: (key) =>
      ['bulk', ...ODD_PATHS.map(encodeURIComponent)].flatMap((path) =>
        ['', '?metadata.version_id=1', '?metadata.version_id=%01', '?metadata.version_id=none'].map(
          (query) => daprRequest(key, `/secrets/m/${path}${query}`)
        )
      )
  },
  credentials: (key) => [[TOKEN, key]],
  withoutKey: ({ store, path }) => ({
    method: 'GET',
    target: `/v1.0/secrets/${store}/${path}`,
    headers: []
  }),
  statuses: { forbidden: 403, missing: 204, badKey: 401, twoKeys: 400, throttled: 429 },
  isOwnError: isDaprError
}
