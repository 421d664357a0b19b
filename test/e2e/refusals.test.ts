/** What the service refuses to start with. Rule: it says which setting and why, and never what it was. */
import { chmodSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { test } from 'tap'
import { newEncryptionKey } from '../../src/crypto/keyring.ts'
import { createDirectory } from '../support/embedded.ts'
import { randomSecret } from '../support/keys.ts'
import { createConfigured, LOCAL_YAML, runPurser } from '../support/purser-process.ts'
import { listen } from '../support/wire.ts'

const KEY = newEncryptionKey()
const SECRET = randomSecret()
const repeated = `${KEY.slice(0, 16)}${KEY.slice(0, 16)}`

const SETTINGS = [
  ['no encryption key', { ENCRYPTION_KEYS: '' }, /ENCRYPTION_KEYS: is required/],
  ['a weak encryption key', { ENCRYPTION_KEYS: repeated }, /ENCRYPTION_KEYS: repeats itself/],
  [
    'a default encryption key',
    { ENCRYPTION_KEYS: 'changeme-changeme-changeme-12345' },
    /ENCRYPTION_KEYS: holds a well-known word/
  ],
  ['one encryption key twice', { ENCRYPTION_KEYS: `${KEY},${KEY}` }, /ENCRYPTION_KEYS: .*twice/],
  ['a key of 31 characters', { ENCRYPTION_KEYS: KEY.slice(1) }, /ENCRYPTION_KEYS: .*exactly 32/],
  ['no internal secret', { INTERNAL_SECRET: '' }, /INTERNAL_SECRET: is required/],
  ['a short internal secret', { INTERNAL_SECRET: SECRET.slice(9) }, /INTERNAL_SECRET: .*least 32/],
  [
    'one secret for two purposes',
    { ENCRYPTION_KEYS: KEY, INTERNAL_SECRET: KEY },
    /INTERNAL_SECRET: .*two settings/
  ]
] as const

for (const [what, variables, expected] of SETTINGS) {
  test(`The service does not start with ${what}, and does not show it`, async (t) => {
    const { folder, variables: all } = createConfigured(t, { variables })
    const { code, stdout, stderr } = await runPurser(t, folder, ['serve'])
    t.equal(code, 1)
    t.equal(stdout, '')
    t.match(stderr, expected)
    t.notMatch(stderr, /^\s+at /m, 'no stack')
    const secrets = [all['ENCRYPTION_KEYS'] ?? '', all['INTERNAL_SECRET'] ?? '']
    for (const secret of secrets.flatMap((value) => value.split(','))) {
      const start = secret.slice(0, 10)
      if (start !== '') t.notOk(stderr.includes(start), 'the secret is not shown')
    }
  })
}

test('All faults of .env and purser.yaml are listed at once, those of the file with their line', async (t) => {
  const yaml = LOCAL_YAML.replace('read:', 'reed:')
  const { folder } = createConfigured(t, { yaml, variables: { ENCRYPTION_KEYS: '', PORT: 'x' } })
  for (const command of [['serve'], ['config', 'check']]) {
    const { code, stdout, stderr } = await runPurser(t, folder, command)
    t.equal(code, 1)
    t.equal(stdout, '')
    t.match(stderr, /ENCRYPTION_KEYS/)
    t.match(stderr, /PORT: must be/)
    t.match(stderr, /purser\.yaml:6:\d+: .*reed is not a known member/)
  }
})

test('An .env that others can read is refused in pro, also to issue a key, and accepted in dev', async (t) => {
  const { folder } = createConfigured(t, { variables: { ENVIRONMENT: 'pro' } })
  t.equal((await runPurser(t, folder, ['config', 'check'])).code, 0)
  chmodSync(join(folder, '.env'), 0o644)
  for (const command of [['serve'], ['key', 'issue']]) {
    const { code, stdout, stderr } = await runPurser(t, folder, command)
    t.equal(code, 1)
    t.equal(stdout, '')
    t.match(stderr, /\.env: .*chmod 600/)
  }
  const env = { ENVIRONMENT: 'dev' }
  t.equal((await runPurser(t, folder, ['config', 'check'], { env })).code, 0)
})

test('What is allowed but risky is a warning', async (t) => {
  const variables = { ENVIRONMENT: 'pro', HOST: '0.0.0.0' }
  const { folder } = createConfigured(t, { variables })
  const { code, stderr } = await runPurser(t, folder, ['config', 'check'])
  t.equal(code, 0)
  t.match(stderr, /kind local is discouraged in pro: local\n/)
  t.match(stderr, /open to the network without TLS/)
})

test('A port that is taken and a folder that cannot be written are one line each', async (t) => {
  const port = await listen(t, createServer())
  const { folder } = createConfigured(t)
  const taken = await runPurser(t, folder, ['serve'], { env: { PORT: String(port) } })
  t.equal(taken.code, 1)
  t.equal(taken.stderr, `127.0.0.1:${port} is in use by another process.\n`)

  const env = { DATA_DIR: join(folder, '.env', 'data') }
  const unusable = await runPurser(t, folder, ['serve'], { env })
  t.equal(unusable.code, 1)
  t.match(unusable.stderr, /^The service cannot start: DATA_DIR: the folder .*\n$/)
  const file = await runPurser(t, folder, ['serve'], { env: { DATA_DIR: join(folder, '.env') } })
  t.equal(file.code, 1)
  t.match(file.stderr, /^ {2}DATA_DIR: is a file where a folder has to be\n$/m)
})

test('Without configuration `purser serve` starts nothing and invents nothing', async (t) => {
  const { code, stderr } = await runPurser(t, createDirectory(t), ['serve'])
  t.equal(code, 1)
  t.match(stderr, /ENCRYPTION_KEYS: is required/)
  t.match(stderr, /purser init/)
})
