/**
 * One server of the bench, as a process of its own: Purser with a seeded local store, a bare route that answers the
 * same, or a peer that answers Purser.
 */
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import Fastify from 'fastify'
import { startDirectLine } from '../../test/support/fake-direct-line.ts'
import { DIRECT_LINE_KEY, type Ready, type ServiceOptions, startPurser } from './service.ts'

export type ServerKind =
  | { readonly is: 'purser'; readonly root: string; readonly options: ServiceOptions }
  /** What any Fastify route costs: no key, no policy, no trail. */
  | {
      readonly is: 'bare'
      readonly body: object
      readonly headers: Readonly<Record<string, string>>
    }
  /** A Vault with one KV 2 engine, which has every secret and answers so many milliseconds later. */
  | { readonly is: 'kv'; readonly afterMs: number }
  | { readonly is: 'direct line' }
  /** Of traces, which it throws away. */
  | { readonly is: 'collector' }

/** `collect`: after a full collection of garbage. */
export type Question = 'used' | 'collect'

export interface Used {
  /** Microseconds of processor time so far, of all threads. */
  readonly processor: number
  /** Bytes. */
  readonly rss: number
}

export interface UsedHere extends Used {
  /** Bytes that objects and buffers take, which is what RSS would grow by if nothing of it were free. */
  readonly objects: number
}

const at = (origin: string): Ready => ({ origin, keys: [], stranger: {}, sibling: {} })

const startBare = async (body: object, headers: Readonly<Record<string, string>>) => {
  const app = Fastify({ keepAliveTimeout: 75_000 })
  const type = { type: 'string' }
  const properties = {
    ref: type,
    value: type,
    version: type,
    store: type,
    fetchedAt: type,
    expiresAt: type
  }
  app.get(
    '/v1/secrets',
    { schema: { response: { 200: { type: 'object', properties } } } },
    async (_request, reply) => {
      reply.headers(headers)
      return body
    }
  )
  return at(await app.listen({ host: '127.0.0.1', port: 0 }))
}

const listening = async (answer: RequestListener): Promise<Ready> => {
  const server = createServer({ keepAliveTimeout: 75_000 }, answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return at(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
}

const startCollector = (): Promise<Ready> =>
  listening((request, response) => {
    request.resume().once('end', () => response.end())
  })

const startKv = (afterMs: number): Promise<Ready> => {
  const metadata = { version: 1, deletion_time: '', destroyed: false, custom_metadata: null }
  const secret = JSON.stringify({ data: { metadata, data: { value: 'x'.repeat(1024) } } })
  const token = JSON.stringify({ data: { ttl: 0, renewable: false } })
  const answer: RequestListener = ({ url }, response) => {
    const body = url?.startsWith('/v1/secret/data/') ? secret : token
    response.setHeader('content-type', 'application/json')
    setTimeout(() => response.end(body), afterMs)
  }
  return listening(answer)
}

const start = async (kind: ServerKind): Promise<Ready> => {
  if (kind.is === 'purser') return startPurser(kind.root, kind.options)
  // These have nothing to tidy up.
  for (const sign of ['SIGTERM', 'SIGINT', 'disconnect']) process.once(sign, () => process.exit(0))
  if (kind.is === 'bare') return startBare(kind.body, kind.headers)
  if (kind.is === 'kv') return startKv(kind.afterMs)
  if (kind.is === 'collector') return startCollector()
  return at((await startDirectLine({ teardown: () => {} }, [DIRECT_LINE_KEY])).url)
}

const collectGarbage = (): void => {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}

process.on('message', (question: Question) => {
  if (question === 'collect') collectGarbage()
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed, external } = process.memoryUsage()
  const objects = heapUsed + external
  process.send?.({ processor: user + system, rss, objects } satisfies UsedHere)
})
process.send?.(await start(JSON.parse(process.argv[2] ?? '')))
