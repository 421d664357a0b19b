import { test } from 'tap'
import { readConfig } from '../../../src/config/config.ts'
import { warningsOf } from '../../../src/config/warnings.ts'
import { newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { randomSecret } from '../../support/keys.ts'

test('rules that have ended are a warning, and those that have not are none', (t) => {
  const folder = t.testdir({
    'purser.yaml': `stores: [{ name: local, kind: local }]
policies:
  - { client: app, read: ["local:a"], until: 2027-01-31 }
  - { client: [b, c], read: ["local:b"], until: 2027-03-01T12:00:00Z }
  - { client: d, read: ["local:d"] }
`
  })
  const config = readConfig(
    { ENVIRONMENT: 'dev', ENCRYPTION_KEYS: newEncryptionKey(), INTERNAL_SECRET: randomSecret() },
    folder
  )
  const at = (moment: string) => warningsOf(config, Date.parse(moment))
  t.strictSame(at('2027-01-31T23:59:59Z'), [])
  t.strictSame(at('2027-02-01T00:00:00Z'), [
    'rules that have ended and allow nothing: policies.0 (app, until 2027-01-31)'
  ])
  t.match(at('2027-04-01T00:00:00Z'), [/policies\.0 .*; policies\.1 \(b, c, until 2027-03-01T12/])
  t.end()
})

test('a door in the network without TLS is a warning', (t) => {
  const warnings = (door: string, HOST = '127.0.0.1'): string[] => {
    const yaml = `stores: [{ name: local, kind: local }]\ndoors: [${door}]\n`
    const folder = t.testdir({ 'purser.yaml': yaml })
    const keys = { ENCRYPTION_KEYS: newEncryptionKey(), INTERNAL_SECRET: randomSecret() }
    return warningsOf(readConfig({ ENVIRONMENT: 'dev', HOST, ...keys }, folder))
  }
  const door = (host: string) => `{ dialect: vault, port: 8200, ${host}mounts: { a: local } }`
  t.strictSame(warnings(door('')), [])
  const told = 'doors are open to the network without TLS: vault'
  t.strictSame(warnings(door('host: 0.0.0.0, ')), [told])
  t.match(warnings(door(''), '0.0.0.0'), [/^HOST is open/, told])
  t.match(warnings(door('host: 127.0.0.1, '), '0.0.0.0'), [/^HOST is open/])
  t.equal(warnings(door('host: 127.0.0.1, '), '0.0.0.0').length, 1)
  t.end()
})

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

test('a console to which nobody can sign in is a warning', (t) => {
  const folder = t.testdir({ 'purser.yaml': 'stores: []\n' })
  const warnings = (more: Readonly<Record<string, string>>): string[] =>
    warningsOf(
      readConfig(
        {
          ...{ ENVIRONMENT: 'dev', ENCRYPTION_KEYS: newEncryptionKey() },
          ...{ INTERNAL_SECRET: randomSecret(), ...more }
        },
        folder
      )
    )
  t.match(warnings({ CONSOLE_ENABLED: 'true' }), [/^CONSOLE_ENABLED .*JWT_SECRET/])
  t.strictSame(warnings({ CONSOLE_ENABLED: 'true', JWT_SECRET: randomSecret() }), [])
  t.strictSame(warnings({ CONSOLE_ENABLED: 'false' }), [])
  t.end()
})
