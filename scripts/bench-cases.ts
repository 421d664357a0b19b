/** The cases of the bench: the requests of each, and the status of their answers. */
import { MANY, type Ready, URL_PATH } from './measured-service.ts'

export interface BenchRequest {
  readonly method?: 'GET' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

export interface Case {
  readonly name: string
  /** Settings of the service in this case. */
  readonly settings?: Readonly<Record<string, string>>
  /** The requests, which are sent in turn. */
  readonly asks: (ready: Ready) => readonly BenchRequest[]
  readonly status: number
  /** How many secrets one answer has. */
  readonly secrets?: number
}

const JSON_BODY = { 'content-type': 'application/json' }
const first = ({ keys }: Ready): Readonly<Record<string, string>> => keys[0] ?? {}
const many = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => `local:bench/many/${n}`)

export const CASES: readonly Case[] = [
  {
    name: 'by reference',
    asks: (ready) => [{ path: URL_PATH, headers: first(ready) }],
    status: 200
  },
  {
    name: 'by name',
    asks: (ready) => [{ path: '/v1/secrets/database', headers: first(ready) }],
    status: 200
  },
  {
    name: 'format=raw',
    asks: (ready) => [{ path: `${URL_PATH}&format=raw`, headers: first(ready) }],
    status: 200
  },
  {
    name: 'batch of 20',
    asks: (ready) => [
      {
        method: 'POST',
        path: '/v1/secrets/batch',
        headers: { ...first(ready), ...JSON_BODY },
        body: JSON.stringify({ refs: many(20) })
      }
    ],
    status: 200,
    secrets: 20
  },
  {
    name: 'prefix, a page of 100',
    asks: (ready) => [{ path: '/v1/secrets?prefix=local:bench/many/', headers: first(ready) }],
    status: 200,
    secrets: 100
  },
  {
    name: 'bot with 5 references',
    asks: (ready) => [{ path: '/v1/bots/sample/credentials', headers: first(ready) }],
    status: 200,
    secrets: 5
  },
  {
    name: '1,000 secrets of 1 KB by 100 keys',
    asks: ({ keys }) =>
      Array.from({ length: MANY }, (_, n) => ({
        path: `/v1/secrets?ref=local:bench/many/${n}`,
        headers: keys[n % keys.length] ?? {}
      })),
    status: 200
  },
  {
    name: 'key rejected',
    asks: () => [{ path: URL_PATH, headers: { authorization: `Bearer ${'x'.repeat(350)}` } }],
    status: 401
  },
  {
    name: 'denied by policy',
    asks: ({ stranger }) => [{ path: URL_PATH, headers: stranger }],
    status: 403
  },
  {
    name: 'rate limited',
    // Enough requests to write the secrets first.
    settings: { RATE_LIMIT_MAX: '1500', RATE_LIMIT_WINDOW_SECONDS: '3600' },
    asks: (ready) => [{ path: URL_PATH, headers: first(ready) }],
    status: 429
  }
]
