/** One server of the bench, as a process of its own: `purser` with a seeded local store, or a bare route that answers the same body. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Fastify from 'fastify'
import { buildApp } from '../src/app.ts'
import { readConfig } from '../src/config/config.ts'
import { createKeyring, newEncryptionKey } from '../src/crypto/keyring.ts'
import { issueApiKey } from '../src/keys/api-key.ts'

const YAML = `
stores: [{ name: local, kind: local }]
policies: [{ client: bench, read: ['local:bench/*'], write: ['local:bench/*'] }]
`
const URL_PATH = '/v1/secrets?ref=local:bench/database&field=password'

export interface Ready {
  readonly url: string
  readonly headers: Record<string, string>
}

const listen = async (server: Fastify.FastifyInstance): Promise<string> =>
  server.listen({ host: '127.0.0.1', port: 0 })

const startPurser = async (): Promise<Ready> => {
  const folder = await mkdtemp(join(tmpdir(), 'purser-bench-'))
  await writeFile(join(folder, 'purser.yaml'), YAML)
  const encryptionKey = newEncryptionKey()
  const limits = { RATE_LIMIT_MAX: '1000000000', RATE_LIMIT_IP_MAX: '1000000000' }
  const env = {
    ENVIRONMENT: 'dev',
    ENCRYPTION_KEYS: encryptionKey,
    INTERNAL_SECRET: newEncryptionKey(),
    LOG_LEVEL: 'warn',
    ...limits
  }
  const app = await buildApp(readConfig(env, folder))
  process.once('SIGTERM', async () => {
    await app.close()
    await rm(folder, { recursive: true })
    process.exit(0)
  })
  const { apiKey } = await issueApiKey(
    createKeyring([encryptionKey]),
    {
      client: 'bench',
      scopes: ['aura-services:secrets'],
      mode: 'rw',
      environment: 'dev',
      minimumVersion: '8.3.0'
    },
    Date.now()
  )
  const headers = { authorization: `Bearer ${apiKey}` }
  const origin = await listen(app.server)
  await app.server.inject({
    method: 'PUT',
    url: '/v1/secrets?ref=local:bench/database',
    headers,
    payload: { data: { username: 'app', password: 'correct horse battery staple' } }
  })
  return { url: origin + URL_PATH, headers }
}

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
  return { url: (await listen(app)) + URL_PATH, headers: {} }
}

const [which, body = '', headers = '{}'] = process.argv.slice(2)
const ready = which === 'purser' ? await startPurser() : await startBare(body, headers)
// Whoever measures asks for the processor time that was used so far.
process.on('message', () => process.send?.(process.cpuUsage()))
process.send?.(ready)
