import { test } from 'tap'
import { readSettings } from '../../../src/config/env.ts'
import { changedSince, fixedIn } from '../../../src/config/fixed.ts'
import { newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { randomSecret } from '../../support/keys.ts'

const good = {
  ENCRYPTION_KEYS: newEncryptionKey(),
  INTERNAL_SECRET: randomSecret(),
  REDIS_URL: 'redis://:the-password@127.0.0.1'
}
const read = (more: Record<string, string> = {}) => readSettings({ ...good, ...more }, '/nowhere')

test('settings that only a restart takes over are told apart from those that a reload does', async (t) => {
  const started = fixedIn(read())
  t.strictSame(changedSince(started, read()), [])
  const reloaded = { ENCRYPTION_KEYS: newEncryptionKey(), INTERNAL_SECRET: randomSecret() }
  t.strictSame(changedSince(started, read(reloaded)), [])
  t.strictSame(changedSince(started, read({ REDIS_URL: 'redis://:other@127.0.0.1' })), [
    'REDIS_URL'
  ])
  t.strictSame(
    changedSince(started, read({ PORT: '8701', TLS_KEY_FILE: 'k', TLS_CERT_FILE: 'c' })),
    ['PORT', 'TLS_CERT_FILE', 'TLS_KEY_FILE']
  )
})

test('what is remembered of a start holds no secret, and survives JSON', async (t) => {
  const started = fixedIn(read())
  const text = JSON.stringify(started)
  for (const secret of [...Object.values(good), 'the-password']) t.notMatch(text, secret)
  t.strictSame(changedSince(JSON.parse(text), read()), [])
})
