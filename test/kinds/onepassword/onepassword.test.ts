/** The settings of a 1Password store, and how references find it. */
import { test } from 'tap'
import { Check } from 'typebox/value'
import { readConfig } from '../../../src/config/config.ts'
import type { ConfigError } from '../../../src/config/fault.ts'
import { warningsOf } from '../../../src/config/warnings.ts'
import { newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { onePasswordConnect } from '../../../src/kinds/onepassword/index.ts'
import { randomSecret } from '../../support/keys.ts'

const { address, settings } = onePasswordConnect
const token = { env: 'OP_CONNECT_TOKEN' }

test('an address is scheme, host and port, and nothing else', async (t) => {
  for (const sound of ['https://connect.example:8080', 'http://127.0.0.1:8080/']) {
    t.ok(Check(settings, { address: sound, token }), sound)
  }
  for (const faulty of [
    'connect.example',
    'https://u:p@h',
    'https://h/v1',
    'https://h?x',
    'ftp://h'
  ]) {
    t.notOk(Check(settings, { address: faulty, token }), faulty)
  }
})

test('a token never stands in the settings, and a list of vaults names some, each once', async (t) => {
  const place = { address: 'https://connect.example' }
  t.notOk(Check(settings, { ...place, token: 'eyJhbGciOi' }))
  t.ok(Check(settings, { ...place, token, vaults: ['My Vault', 'ytrfte14kw1uex5txaore1emkz'] }))
  for (const vaults of [[], ['a', 'a'], ['a/b'], ['']]) {
    t.notOk(Check(settings, { ...place, token, vaults }), JSON.stringify(vaults))
  }
})

test('references find the store by its origin and its vaults', async (t) => {
  t.strictSame(address({ address: 'https://Connect.example:443/', token }), {
    kind: 'onepassword-connect',
    origin: 'https://connect.example'
  })
  t.strictSame(address({ address: 'http://c:8080', token, insecure: true, vaults: ['a'] }), {
    kind: 'onepassword-connect',
    origin: 'http://c:8080',
    vaults: ['a']
  })
  t.throws(() => address({ address: 'https://c', token, insecure: true }))
})

test('a Connect server at an http: address is refused in pre and pro, but on this machine', async (t) => {
  const keys = { ENCRYPTION_KEYS: newEncryptionKey(), INTERNAL_SECRET: randomSecret(), T: 'x' }
  const said = (ENVIRONMENT: string, members: string) => {
    const store = `{ name: op-connect, kind: onepassword-connect, token: { env: T }, ${members} }`
    const folder = t.testdir({ 'purser.yaml': `stores: [${store}]\n` })
    try {
      return warningsOf(readConfig({ ...keys, ENVIRONMENT }, folder))
    } catch (error) {
      return (error as ConfigError).faults.map(({ place, message }) => `${place} ${message}`)
    }
  }
  const address = 'address: "http://connect.internal:8080"'
  for (const environment of ['pre', 'pro']) {
    t.match(said(environment, address), [/stores\.0\.address would send tokens and secrets/])
    t.match(said(environment, `${address}, insecure: true`), [/in the clear .*: op-connect$/])
    t.strictSame(said(environment, 'address: "http://127.0.0.1:8080"'), [])
  }
  t.match(said('stg', address), [/in the clear .*: op-connect$/])
})
