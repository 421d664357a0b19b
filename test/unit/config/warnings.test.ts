import { test } from 'tap'
import { readConfig } from '../../../src/config/config.ts'
import { warningsOf } from '../../../src/config/warnings.ts'
import { newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { randomSecret } from '../../support/keys.ts'

test('a Redis in the network without a password or TLS is a warning in pre and pro', (t) => {
  const folder = t.testdir({ 'purser.yaml': 'stores: []\n' })
  const warnings = (REDIS_URL: string, ENVIRONMENT = 'pro'): string[] =>
    warningsOf(
      readConfig(
        {
          ENVIRONMENT,
          ENCRYPTION_KEYS: newEncryptionKey(),
          INTERNAL_SECRET: randomSecret(),
          REDIS_URL
        },
        folder
      )
    )
  const warned = [
    'redis://cache',
    'redis://:pw@cache',
    'rediss://cache',
    'redis+sentinel://127.0.0.1,s2/main',
    'redis+cluster://:pw@10.0.0.1'
  ]
  for (const url of warned) t.match(warnings(url), [/^REDIS_URL leads into the network/], url)
  const quiet = ['rediss://:pw@cache', 'redis://127.0.0.1', 'redis://[::1]:1', 'redis://localhost']
  for (const url of quiet) t.strictSame(warnings(url), [], url)
  t.strictSame(warnings('redis://cache', 'stg'), [])
  t.end()
})
