import { test } from 'tap'
import { apiKeyIn, createSecretCheck, internalSecretIn } from '../../../src/http/credentials.ts'

test('a key is found behind Bearer, ApiKey and X-API-Key, in any case of scheme and header', async (t) => {
  for (const scheme of ['Bearer', 'bearer', 'BEARER', 'ApiKey', 'apikey', 'APIKEY']) {
    t.equal(apiKeyIn(['Host', 'a', 'AUTHORIZATION', `${scheme} the-key`]), 'the-key')
  }
  for (const header of ['X-API-Key', 'x-api-key']) t.equal(apiKeyIn([header, 'the-key']), 'the-key')
})

test('a key is taken as it is, with whatever stands in it', async (t) => {
  t.equal(apiKeyIn(['Authorization', 'Bearer the key']), 'the key')
  t.equal(apiKeyIn(['Authorization', 'Bearer the\tkey']), 'the\tkey')
  t.equal(apiKeyIn(['X-API-Key', 'Bearer the-key']), 'Bearer the-key')
})

test('without a key there is none', async (t) => {
  const headers = [
    [],
    ['Authorization', ''],
    ['Authorization', 'Bearer'],
    ['Authorization', 'the-key'],
    ['Authorization', 'Basic the-key'],
    ['Authorization', 'Bearerthe-key'],
    ['Authorization', 'Bearer\tthe-key'],
    ['X-API-Key', ''],
    ['X-Other', 'authorization', 'Cookie', 'x-api-key=the-key']
  ]
  for (const header of headers) t.equal(apiKeyIn(header), undefined)
})

test('two credentials are a conflict, whatever they are and in whatever order', async (t) => {
  const one = [
    ['Authorization', 'Bearer the-key'],
    ['authorization', ''],
    ['X-API-Key', 'the-key'],
    ['x-api-key', '']
  ]
  for (const first of one) {
    for (const second of one) {
      t.match(apiKeyIn([...first, 'Host', 'a', ...second]), {
        code: 'conflicting_credentials'
      })
    }
  }
})

test('the internal secret is one header, given once', async (t) => {
  t.equal(internalSecretIn(['x-INTERNAL-secret', 's']), 's')
  t.equal(internalSecretIn(['Authorization', 'Bearer s', 'X-API-Key', 's']), undefined)
  t.match(internalSecretIn(['X-Internal-Secret', 's', 'x-internal-secret', 's']), {
    code: 'conflicting_credentials'
  })
})

test('each of the accepted secrets is accepted, and nothing that resembles one', async (t) => {
  const accepts = createSecretCheck(['first-secret', 'second-secret'])
  for (const secret of ['first-secret', 'second-secret']) t.ok(accepts(secret))
  for (const other of [
    '',
    'first-secre',
    'first-secret ',
    'First-secret',
    'first-secret, second-secret'
  ])
    t.notOk(accepts(other))
  t.notOk(createSecretCheck([])(''))
})
