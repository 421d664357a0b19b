/** The cases of the bench: the requests of each, and the status of their answers. */
import { signedHeaders } from '../../test/support/sigv4.ts'
import { CHANNELS, type Ready, URL_PATH } from './service.ts'

export interface BenchRequest {
  readonly method?: 'GET' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** A number is added to the path, another one each time. */
  readonly isFresh?: boolean
}

export type Need = 'redis' | 'kv' | 'direct line' | 'collector'

export interface Case {
  readonly name: string
  /** Settings of the service in this case. */
  readonly settings?: Readonly<Record<string, string>>
  /** Peers of the service in this case. */
  readonly needs?: readonly Need[]
  /** The trail of the service in this case has no chain. */
  readonly isUnchained?: boolean
  /** What `doors:` has. */
  readonly doors?: readonly object[]
  /** The requests go to the last of its doors, which has a listener of its own. */
  readonly isAtDoor?: boolean
  /** How many secrets of 1 KB the service has, if not as many as others. */
  readonly stored?: number
  /** The requests, which are sent in turn. */
  readonly asks: (ready: Ready) => readonly BenchRequest[]
  readonly status: number
  /** How many secrets one answer has; 1 if absent. */
  readonly secrets?: number
}

const JSON_BODY = { 'content-type': 'application/json' }
const first = ({ keys }: Ready): Readonly<Record<string, string>> => keys[0] ?? {}
const many = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => `local:bench/many/${n}`)

/** The signature is good for five minutes, and longer than a case takes. */
const byAws = ({ origin, aws }: Ready): BenchRequest => {
  if (aws === undefined) throw new Error('this version has no door of AWS')
  const { host } = new URL(origin)
  const [target, body] = ['secretsmanager.GetSecretValue', '{"SecretId":"bench/database"}']
  const headers = Object.fromEntries(signedHeaders(aws, { host, target, body }))
  return { method: 'POST', path: '/', headers, body }
}

/** What a store that is far away takes to answer. */
export const KV_MS = 5

/** Beside which all others are put. */
export const BY_REFERENCE: Case = {
  name: 'by reference',
  asks: (ready) => [{ path: URL_PATH, headers: first(ready) }],
  status: 200
}

export const CASES: readonly Case[] = [
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
    name: 'by the door of Vault',
    doors: [{ dialect: 'vault', port: 0, mounts: { local: 'local' } }],
    isAtDoor: true,
    asks: (ready) => [{ path: '/v1/local/data/bench/database', headers: first(ready) }],
    status: 200
  },
  {
    name: 'by the door of AWS',
    doors: [{ dialect: 'aws', store: 'local' }],
    asks: (ready) => [byAws(ready)],
    status: 200
  },
  {
    name: 'by reference, without metrics',
    settings: { METRICS_ENABLED: 'false' },
    asks: (ready) => [{ path: URL_PATH, headers: first(ready) }],
    status: 200
  },
  {
    name: 'by reference, with the chain off',
    isUnchained: true,
    asks: (ready) => [{ path: URL_PATH, headers: first(ready) }],
    status: 200
  },
  {
    name: 'by reference, without metrics and with the chain off',
    settings: { METRICS_ENABLED: 'false' },
    isUnchained: true,
    asks: (ready) => [{ path: URL_PATH, headers: first(ready) }],
    status: 200
  },
  {
    name: 'by reference, each one traced',
    needs: ['collector'],
    asks: (ready) => [{ path: URL_PATH, headers: first(ready) }],
    status: 200
  },
  {
    name: 'by reference, one in a hundred traced',
    settings: {
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.01'
    },
    needs: ['collector'],
    asks: (ready) => [{ path: URL_PATH, headers: first(ready) }],
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
    stored: 1_000,
    asks: ({ keys }) =>
      Array.from({ length: 1_000 }, (_, n) => ({
        path: `/v1/secrets?ref=local:bench/many/${n}`,
        headers: keys[n % keys.length] ?? {}
      })),
    status: 200
  },
  {
    name: 'from the shared tier in Redis (1,000 secrets in turn, one kept in the process)',
    settings: { CACHE_MAX_ENTRIES: '1' },
    needs: ['redis', 'kv'],
    asks: (ready) =>
      Array.from({ length: 1_000 }, (_, n) => ({
        path: `/v1/secrets?ref=kv:secret/bench/${n}`,
        headers: first(ready)
      })),
    status: 200
  },
  {
    name: `a miss: each time another secret of a Vault that answers after ${KV_MS} ms`,
    needs: ['kv'],
    asks: (ready) => [
      { path: '/v1/secrets?ref=kv:secret/bench/', headers: first(ready), isFresh: true }
    ],
    status: 200
  },
  {
    name: 'Direct Line token, each from a fake on this machine',
    needs: ['direct line'],
    asks: (ready) =>
      Array.from({ length: CHANNELS }, (_, n) => ({
        method: 'POST',
        path: `/v1/channels/web${n}/tokens`,
        headers: first(ready)
      })),
    status: 200,
    secrets: 0
  },
  {
    name: 'key rejected',
    asks: () => [{ path: URL_PATH, headers: { authorization: `Bearer ${'x'.repeat(350)}` } }],
    status: 401,
    secrets: 0
  },
  {
    name: 'denied by policy',
    asks: ({ stranger }) => [{ path: URL_PATH, headers: stranger }],
    status: 403,
    secrets: 0
  },
  {
    name: 'rate limited',
    // Enough to write the secrets first.
    settings: { RATE_LIMIT_MAX: '20', RATE_LIMIT_WINDOW_SECONDS: '3600' },
    asks: (ready) => [{ path: URL_PATH, headers: first(ready) }],
    status: 429,
    secrets: 0
  }
]
