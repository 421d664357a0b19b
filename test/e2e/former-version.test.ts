/**
 * What commit 2c7d913 wrote, recorded once: its DATA_DIR, its Redis, its keys. Rule: these files are never written anew;
 * whoever changes a format reads them all the same, or says in the changelog how one gets from there to here.
 */
import { cpSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { openSlot, recordCodec } from '../../src/cache/envelope.ts'
import { createKeyring } from '../../src/crypto/keyring.ts'
import { createSealer } from '../../src/crypto/sealer.ts'
import { createDirectory } from '../support/embedded.ts'
import { randomSecret } from '../support/keys.ts'
import { get, runOnRedis, serve, writeEnv, writeYaml } from '../support/purser-process.ts'
import { skipWithoutRedis, startRedis } from '../support/redis.ts'

const RECORDED = join('test', 'unit', 'vectors', 'version-2c7d913')

interface Recorded {
  readonly encryptionKeys: readonly string[]
  readonly keys: Readonly<Record<'app' | 'revoked', string>>
  readonly slot: {
    readonly context: readonly string[]
    readonly mark: string
    readonly epoch: string
    readonly envelope: string
  }
  /** Key to its fields and values, in base64. */
  readonly redis: Readonly<Record<string, readonly (readonly [string, string])[]>>
}
const recorded: Recorded = JSON.parse(readFileSync(join(RECORDED, 'fixture.json'), 'utf8'))

const YAML = `stores: [{ name: local, kind: local }]
policies:
  - { client: app, read: ["local:team/*"], bots: ["fixture-bot"] }
`

const configure = (t: Test, more: Readonly<Record<string, string>> = {}): string => {
  const folder = createDirectory(t)
  writeEnv(folder, {
    ENVIRONMENT: 'dev',
    PORT: '0',
    ENCRYPTION_KEYS: recorded.encryptionKeys.join(','),
    INTERNAL_SECRET: randomSecret(),
    // The recorded day grows old.
    RETENTION_PURGE_ENABLED: 'false',
    ...more
  })
  writeYaml(folder, YAML)
  return folder
}

const isServed = async (t: Test, folder: string): Promise<void> => {
  const run = (args: string[], input = '') => runOnRedis(t, folder, args, { input })
  const text = async (ref: string): Promise<string> => (await run(['store', 'get', ref])).stdout
  t.equal(await text('local:team/db#password'), 'second\n')
  t.equal(await text('local:team/db?version=1'), 'first\n')
  t.equal(await text('local:team/former'), 'one\n', 'under the former encryption key')
  const listed = (await run(['store', 'list'])).stdout
    .split('\n')
    .map((line) => line.split('\t')[0])
  t.strictSame(listed, ['local:team/db', 'local:team/former', ''])
  t.match(await run(['store', 'put', 'local:team/gone'], 'y'), {
    stdout: 'local:team/gone?version=2\n'
  })

  const { url, child, ended } = await serve(t, folder)
  const read = async (path: string, key: string): Promise<unknown> =>
    (await get(`${url}${path}`, key)).json()
  const { app, revoked } = recorded.keys
  t.match(await read('/v1/secrets?ref=local:team/db', app), { data: { password: 'second' } })
  t.match(await read('/v1/secrets?ref=local:team/db', revoked), { code: 'invalid_api_key' })
  t.match(await read('/v1/bots/fixture-bot/credentials', app), { name: 'fixture-bot' })
  child.kill('SIGTERM')
  await ended
}

test('A DATA_DIR of 2c7d913 is served as it is, and its trail goes on', async (t) => {
  const folder = configure(t)
  mkdirSync(join(folder, 'data'), { mode: 0o700 })
  for (const part of ['state', 'audit']) {
    cpSync(join(RECORDED, part), join(folder, 'data', part), { recursive: true })
  }
  await isServed(t, folder)
  const verified = await runOnRedis(t, folder, ['audit', 'verify'])
  t.match(verified, { code: 0, stdout: /^ok: / }, verified.stderr)
  const found = await runOnRedis(t, folder, ['audit', 'search', '--action', 'key.revoke', '--json'])
  t.match(found.stdout, '"reason":"22222222-2222-4222-8222-222222222222"')
})

test('The Redis of 2c7d913 is served as it is', async (t) => {
  if (await skipWithoutRedis(t)) return
  const redis = await startRedis(t)
  const client = redis.client()
  for (const [key, pairs] of Object.entries(recorded.redis)) {
    for (const [field, value] of pairs) {
      await client.hset(key, Buffer.from(field, 'base64'), Buffer.from(value, 'base64'))
    }
  }
  await isServed(t, configure(t, { REDIS_URL: redis.url }))
})

test('A cached secret that 2c7d913 sealed for all replicas is read by this version', async (t) => {
  const { context, mark, epoch, envelope } = recorded.slot
  const sealer = createSealer(createKeyring([...recorded.encryptionKeys]))
  const bytes = Buffer.from(envelope, 'base64')
  const slot = openSlot(sealer, recordCodec, context, bytes, { mark, epoch }, 1_000)
  t.match(slot, { entry: { record: { version: '7', tags: new Map([['a', 'b']]) } } })
  t.equal(typeof slot === 'object' && slot.entry?.record.text.reveal(), 'cached')
})
