/** The service that scripts measure: with a seeded local store, a key that may read it, and limits that nobody reaches. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildApp } from '../src/app.ts'
import { readConfig } from '../src/config/config.ts'
import { createKeyring, newEncryptionKey } from '../src/crypto/keyring.ts'
import { issueApiKey } from '../src/keys/api-key.ts'

const YAML = `
stores: [{ name: local, kind: local }]
policies: [{ client: bench, read: ['local:bench/*'], write: ['local:bench/*'] }]
`
export const URL_PATH = '/v1/secrets?ref=local:bench/database&field=password'

export interface Ready {
  readonly url: string
  readonly headers: Record<string, string>
}

export const startPurser = async (): Promise<Ready> => {
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
  const origin = await app.server.listen({ host: '127.0.0.1', port: 0 })
  await app.server.inject({
    method: 'PUT',
    url: '/v1/secrets?ref=local:bench/database',
    headers,
    payload: { data: { username: 'app', password: 'correct horse battery staple' } }
  })
  return { url: origin + URL_PATH, headers }
}
