/**
 * Several Pursers with one configuration, as an orchestrator runs them: the built program, each a process with a folder and
 * a port of its own. Rule: what they share is what the configuration names (a store, a Redis), and each ends with its test.
 */
import { randomUUID } from 'node:crypto'
import { Agent, request as send } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import type { Mode } from '../../src/core/principal.ts'
import { createKeyring, newEncryptionKey } from '../../src/crypto/keyring.ts'
import type { Quota } from '../../src/kinds/quota.ts'
import type { CountingStore } from './counting-store.ts'
import { issueKey, randomSecret } from './keys.ts'
import type { LoadPlan } from './load.ts'
import { createConfigured, type Running, runPurser, serve } from './purser-process.ts'
import { slowness, startStopwatch } from './stopwatch.ts'

type Variables = Readonly<Record<string, string>>

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  /** The body, where it is JSON. */
  readonly body: Readonly<Record<string, unknown>>
  /** From the request to the end of the answer. */
  readonly ms: number
}

export interface Replica extends Running {
  readonly url: string
  readonly folder: string
  /** Asks for a secret of the store `aws`, with the key of the client `app` unless another one is given. */
  readonly read: (path: string, options?: ReadOptions) => Promise<Answer>
  readonly invalidate: (what: object) => Promise<Answer>
  readonly readiness: () => Promise<unknown>
  /** How many calls of what replicas share Redis did not answer in time, so that this one went on without. */
  readonly redisFailures: () => Promise<number>
  /** What an administrator is told by `GET /v1/admin/…`. */
  readonly shown: (what: 'cache' | 'stores') => Promise<Answer['body']>
}

export interface ReadOptions {
  readonly apiKey?: string
  readonly headers?: Variables
}

export interface Replicas {
  readonly all: readonly Replica[]
  /** One more, under the same configuration: it serves then, but whether it is ready is for the test to ask. */
  readonly start: () => Promise<Replica>
  readonly apiKey: string
  readonly internalSecret: string
  readonly encryptionKey: string
  readonly issue: (client?: string, mode?: Mode) => Promise<{ apiKey: string; keyId: string }>
  /** Through that replica's route for it, or by the command in its folder where there is none; says which. */
  readonly revoke: (at: Replica, keyId: string) => Promise<'route' | 'command'>
  /** Reads of these paths, each replica in its turn: in each round another one of them is asked for a path. */
  readonly readsOf: (paths: readonly string[]) => Pick<LoadPlan, 'urls' | 'headers'>
}

export interface ReplicasOptions {
  readonly count: number
  readonly store: CountingStore
  readonly redisUrl?: string
  readonly variables?: Variables
  /** Of the store; that of its kind unless given. */
  readonly quota?: Quota
}

const yamlFor = (store: CountingStore, quota: Quota | undefined): string => `stores:
  - name: aws
    kind: aws-secrets-manager
    region: eu-west-1
    endpoint: "${store.url}"
    ${quota === undefined ? '' : `quota: ${JSON.stringify(quota)}`}
policies:
  - { client: "*", read: ["aws:**"] }
`

/** The SDK's chain finds these, and nothing of this machine's own. */
const AWS = {
  AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'x',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true'
}

const PATIENCE_MS = 120_000

const urlOf = (origin = '', path: string): string => `${origin}/v1/secrets?ref=aws:${path}`

const asJson = (text: string): Answer['body'] => {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}

export interface Asked {
  readonly method?: string
  readonly headers?: Variables
  readonly payload?: object
}

/** Node's own client rather than fetch, which takes twice the time of a test that measures. */
export const ask = (agent: Agent, url: string, asked: Asked): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { method = 'GET', headers, payload } = asked
    const passed = startStopwatch()
    const body = payload && JSON.stringify(payload)
    const type: Variables = body === undefined ? {} : { 'content-type': 'application/json' }
    const request = send(url, { agent, method, headers: { ...type, ...headers } }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.once('error', reject)
      response.once('end', () => {
        const { statusCode: status = 0, headers } = response
        resolve({ status, headers, text, body: asJson(text), ms: passed() })
      })
    })
    request.setTimeout(PATIENCE_MS, () => request.destroy(new Error(`no answer from ${url}`)))
    // A connection that the server closed for being idle, just when it was wanted: a client asks again (RFC 9110 9.2.2).
    const fail = (error: NodeJS.ErrnoException): void => {
      if (request.reusedSocket && error.code === 'ECONNRESET') resolve(ask(agent, url, asked))
      else reject(error)
    }
    request.once('error', fail).end(body)
  })

/** Starts them and waits until each is ready: the store and the Redis have to be there. */
export const startReplicas = async (t: Test, options: ReplicasOptions): Promise<Replicas> => {
  const { count, store, redisUrl, variables: wanted = {}, quota } = options
  const encryptionKey = wanted['ENCRYPTION_KEYS'] ?? newEncryptionKey()
  const internalSecret = randomSecret()
  const keyring = createKeyring([encryptionKey])
  // Kept open between requests: an orchestrator's callers do the same.
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())

  const issue: Replicas['issue'] = async (client = 'app', mode = 'r') => {
    const keyId = randomUUID()
    return { apiKey: await issueKey(keyring, client, mode, { keyId }), keyId }
  }
  const { apiKey } = await issue()
  const adminKey = await issueKey(keyring, 'operator', 'rw', { scopes: ['aura-admin'] })
  const variables: Variables = {
    RATE_LIMIT_ENABLED: 'false',
    ALLOW_ADMIN_WRITE: 'true',
    ...(redisUrl !== undefined && { REDIS_URL: redisUrl }),
    ...wanted,
    ENCRYPTION_KEYS: encryptionKey,
    INTERNAL_SECRET: internalSecret
  }

  const start = async (): Promise<Replica> => {
    const { folder } = createConfigured(t, { yaml: yamlFor(store, quota), variables })
    const running = await serve(t, folder, AWS)
    const { url } = running
    return {
      ...running,
      folder,
      read: (path, { apiKey: given = apiKey, headers = {} } = {}) =>
        ask(agent, urlOf(url, path), {
          headers: { authorization: `Bearer ${given}`, ...headers }
        }),
      invalidate: (payload) =>
        ask(agent, `${url}/internal/cache/invalidate`, {
          method: 'POST',
          headers: { 'x-internal-secret': internalSecret },
          payload
        }),
      readiness: async () => (await ask(agent, `${url}/readyz`, {})).body['status'],
      redisFailures: async () => {
        const headers = { 'x-internal-secret': internalSecret }
        const { text } = await ask(agent, `${url}/internal/metrics`, { headers })
        const found = /^purser_redis_call_failures_total\{use="shared"\} (\d+)$/m.exec(text)
        if (found === null) throw new Error(`no count of failures: ${text}`)
        return Number(found[1])
      },
      shown: async (what) => {
        const headers = { authorization: `Bearer ${adminKey}` }
        return (await ask(agent, `${url}/v1/admin/${what}`, { headers })).body
      }
    }
  }

  const all = await Promise.all(Array.from({ length: count }, start))
  const areReady = async (): Promise<boolean> =>
    (await Promise.all(all.map(({ readiness }) => readiness()))).every((word) => word === 'ok')
  if ((await until(areReady, { withinMs: PATIENCE_MS, everyMs: 50 })) === undefined) {
    throw new Error('a replica did not become ready')
  }
  return {
    all,
    start,
    apiKey,
    internalSecret,
    encryptionKey,
    issue,
    revoke: async (at, keyId) => {
      const answer = await ask(agent, `${at.url}/v1/admin/keys/${keyId}`, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${adminKey}` }
      })
      if (answer.status >= 200 && answer.status < 300) return 'route'
      if (answer.body['code'] !== 'route_not_found') throw new Error(answer.text)
      const { code, stderr } = await runPurser(t, at.folder, ['key', 'revoke', keyId])
      if (code !== 0) throw new Error(stderr)
      return 'command'
    },
    readsOf: (paths) => ({
      urls: all.flatMap((_, round) =>
        paths.map((path, i) => urlOf(all[(i + round) % all.length]?.url, path))
      ),
      headers: { authorization: `Bearer ${apiKey}` }
    })
  }
}

/**
 * Asks again until it is so; resolves with how many milliseconds that took, or undefined if it was not so in time, of which
 * there is more on a busy machine.
 */
export const until = async (
  isSo: () => Promise<boolean>,
  { withinMs, everyMs = 10 }: { readonly withinMs: number; readonly everyMs?: number }
): Promise<number | undefined> => {
  const since = performance.now()
  for (;;) {
    if (await isSo()) return performance.now() - since
    const passed = performance.now() - since
    if (passed > withinMs && passed > withinMs * slowness()) return undefined
    await sleep(everyMs)
  }
}

/** What the answer says of the cache, for a comparison: the status, `X-Cache`, and the problem's code where it is one. */
export const gist = ({ status, headers, body }: Answer): string =>
  [status, headers['x-cache'], body['code']].filter((part) => part !== undefined).join(' ')
