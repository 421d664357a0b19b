/**
 * One server of the bench, as a process of its own: `purser` with a seeded local store, or a bare route that answers
 * the same body.
 */
import Fastify from 'fastify'
import { type Ready, startPurser } from './measured-service.ts'

/** What any Fastify route costs: no key, no policy, no trail. `headers` are sent with the answer. */
const startBare = async (body: string, headers: string): Promise<Ready> => {
  const answer = JSON.parse(body)
  const fixed = JSON.parse(headers)
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
      reply.headers(fixed)
      return answer
    }
  )
  process.once('SIGTERM', () => process.exit(0))
  const origin = await app.listen({ host: '127.0.0.1', port: 0 })
  return { origin, keys: [], stranger: {} }
}

const [which, ...args] = process.argv.slice(2)
const [first = '', second = '{}'] = args
const ready =
  which === 'purser' ? await startPurser(first, JSON.parse(second)) : await startBare(first, second)
// The bench asks what was used so far.
process.on('message', () =>
  process.send?.({ ...process.cpuUsage(), rss: process.memoryUsage.rss() })
)
process.send?.(ready)
