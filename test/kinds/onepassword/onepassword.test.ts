/** The settings of a 1Password store, and how references find it. */
import { test } from 'tap'
import { Check } from 'typebox/value'
import { onePasswordConnect } from '../../../src/kinds/onepassword/index.ts'

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
