/** Vault's answers as records, grants and faults. */
import { test } from 'tap'
import { ProviderFault } from '../../../src/core/fault.ts'
import { Sensitive } from '../../../src/core/secret.ts'
import {
  faultOfAnswer,
  isJsonObject,
  isVersion,
  parseKv1,
  parseKv2,
  parseListAnswer,
  parseLookup,
  parseMetadata,
  parseVaultToken,
  parseWritten
} from '../../../src/kinds/vault/answer.ts'

const kv2 = (fields: string, metadata = '{"version":3}') =>
  `{"data":{"metadata":${metadata},"data":${fields}}}`

test('the text of a secret is cut out of the answer, not a character changed', async (t) => {
  const texts = [
    '{}',
    '{"n":12345678901234567890,"f":1.10,"e":1E400}',
    '{ "spaced" : [ 1 , { "deep" : "}" } ] }',
    '{"quote":"\\"","slash":"\\\\","both":"\\\\\\"}","html":"\\u003ca\\u003e","ż":"🔑"}',
    '{"data":{"data":"nested"},"metadata":null}',
    '{"__proto__":"x","":""}'
  ]
  for (const text of texts) {
    t.equal(parseKv2(kv2(text)).text.reveal(), text)
    t.equal(parseKv1(`{"lease_id":"data","data":${text},"auth":null}`).text.reveal(), text)
    t.equal(parseKv1(` {\n "data" : ${text}\n}`).text.reveal(), text)
  }
})

test('of two members with one name the last counts, as the check of the shape took it', async (t) => {
  t.equal(parseKv1('{"data":"x","data":{"a":1}}').text.reveal(), '{"a":1}')
  t.equal(parseKv1('{"\\u0064ata":{"a":2}}').text.reveal(), '{"a":2}')
})

test('KV 2 says which version was read, KV 1 that there are none', async (t) => {
  t.equal(parseKv2(kv2('{}')).version, '3')
  t.equal(parseKv2(kv2('{}'), '3').version, '3')
  t.equal(parseKv1('{"data":{}}').version, 'unversioned')
})

test('custom metadata are told as tags, none as none, and nothing where nothing is said', async (t) => {
  const tagsOf = (metadata: string) => parseKv2(kv2('{}', metadata)).tags
  const named = '{"version":3,"custom_metadata":{"a":"1","__proto__":"2"}}'
  t.strictSame(
    [...(tagsOf(named) ?? [])],
    [
      ['a', '1'],
      ['__proto__', '2']
    ]
  )
  t.strictSame(tagsOf('{"version":3,"custom_metadata":null}'), new Map())
  t.equal(tagsOf('{"version":3}'), undefined)
  t.throws(() => tagsOf('{"version":3,"custom_metadata":{"a":1}}'), {
    name: 'ProviderFault',
    reason: 'invalid_answer'
  })
})

test('a write says its version, metadata the newest one, a list its names', async (t) => {
  t.equal(parseWritten('{"data":{"version":12}}'), '12')
  t.equal(parseMetadata('{"data":{"current_version":0}}'), 0)
  t.strictSame(parseListAnswer('{"data":{"keys":["a","b/"]}}'), ['a', 'b/'])
  const wrong = [
    '',
    '{}',
    '{"data":null}',
    '{"data":{"version":"1","current_version":-1,"keys":[1]}}'
  ]
  for (const text of wrong) {
    for (const parse of [parseWritten, parseMetadata, parseListAnswer]) {
      t.throws(() => parse(text), { name: 'ProviderFault', reason: 'invalid_answer' }, text)
    }
  }
})

test('only the JSON of an object is one, and only a positive number a version', async (t) => {
  for (const text of ['{}', ' {"a":1} ']) t.equal(isJsonObject(text), true, text)
  for (const text of ['', '[]', '[{}]', 'null', '1', '"{}"', '{', '{}{}', "{'a':1}"]) {
    t.equal(isJsonObject(text), false, text)
  }
  for (const text of ['1', '42', '999999999']) t.equal(isVersion(text), true, text)
  for (const text of ['', '0', '01', '-1', '1.0', '1e3', ' 1', '1\n', '1000000000']) {
    t.equal(isVersion(text), false, text)
  }
})

test('an answer of another shape or version is invalid', async (t) => {
  const invalid = { name: 'ProviderFault', reason: 'invalid_answer' }
  for (const text of [
    '',
    '{',
    '[]',
    'null',
    '{}',
    '{"data":null}',
    '{"data":[]}',
    '{"data":"x"}'
  ]) {
    t.throws(() => parseKv1(text), invalid, text)
    t.throws(() => parseKv2(text), invalid, text)
  }
  t.throws(() => parseKv2(kv2('null')), invalid)
  t.throws(() => parseKv2(kv2('{}', '{}')), invalid)
  t.throws(() => parseKv2(kv2('{}', '{"version":0}')), invalid)
  t.throws(() => parseKv2(kv2('{}'), '2'), invalid)
  t.throws(() => parseVaultToken('{"auth":null}'), invalid)
  t.throws(
    () => parseVaultToken('{"auth":{"client_token":"","lease_duration":1,"renewable":true}}'),
    invalid
  )
  t.throws(() => parseLookup('{"data":{}}', new Sensitive('x')), invalid)
})

test('a grant says how long its token lives, and whether it can be renewed', async (t) => {
  const grant = parseVaultToken(
    '{"auth":{"client_token":"x","lease_duration":60,"renewable":true}}'
  )
  t.match(grant, { ttlSeconds: 60, renewable: true })
  t.equal(grant.token.reveal(), 'x')
  const token = new Sensitive('x')
  t.strictSame(parseLookup('{"data":{"ttl":0}}', token), { token, ttlSeconds: 0, renewable: false })
})

test('every refusal has one reason', async (t) => {
  const html = '<html>404 page not found</html>'
  const cases: readonly (readonly [number, string, string, string?])[] = [
    [404, '{"errors":[]}', 'not_found'],
    [404, '{"data":{"data":null,"metadata":{"destroyed":true}}}', 'not_found', 'deleted'],
    [404, '{"errors":["no handler for route \\"x\\""]}', 'misconfigured', 'no_such_route'],
    [404, '{"errors":["namespace not found"]}', 'misconfigured', 'no_such_route'],
    [404, '{"data":null,"warnings":["Invalid path"]}', 'misconfigured', 'wrong_kv_version'],
    [404, html, 'unavailable'],
    [404, '{}', 'unavailable'],
    [400, '{"errors":["x"]}', 'misconfigured'],
    [400, '{"errors":["check-and-set parameter did not match the current version"]}', 'conflict'],
    [
      400,
      '{"errors":["check-and-set parameter required for this call"]}',
      'misconfigured',
      'cas_required'
    ],
    [403, '{"errors":["check-and-set parameter did not match the current version"]}', 'denied'],
    [413, '', 'invalid_request', 'too_large'],
    [403, '{"errors":["permission denied"]}', 'denied'],
    [403, '{"errors":["permission denied","invalid token"]}', 'denied', 'invalid_token'],
    [403, '{"errors":["2 errors occurred:\\n\\t* invalid token"]}', 'denied', 'invalid_token'],
    [403, html, 'denied'],
    [307, '', 'unavailable'],
    [412, '', 'unavailable'],
    [429, '', 'throttled'],
    [472, '', 'unavailable'],
    [500, html, 'unavailable'],
    [503, '{"errors":["Vault is sealed"]}', 'unavailable']
  ]
  for (const [status, text, reason, code] of cases) {
    const fault = faultOfAnswer({ status, text }, 0)
    t.type(fault, ProviderFault)
    t.strictSame([fault.reason, fault.code, fault.status], [reason, code, status], text)
  }
})

test('a hint to wait is taken from throttling and from unavailability', async (t) => {
  for (const status of [429, 503]) {
    t.equal(faultOfAnswer({ status, text: '', retryAfter: '7' }, 0).retryAfterSeconds, 7)
  }
})
