// Every error has one shape, and repeats nothing of what was sent.
import type { InjectOptions } from 'fastify'
import { test } from 'tap'
import type { ProblemCode } from '../../../src/core/problem.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { createCanary } from '../../support/canary.ts'
import { issueKey } from '../../support/keys.ts'
import { assertProblem } from '../../support/problem.ts'

const YAML = `
stores: [{ name: local, kind: local }]
policies: [{ client: app, read: ['local:app/**'], write: ['local:app/**'] }]
secrets: { short: 'local:app/one' }
`

const canary = createCanary()
const WORD = encodeURIComponent(canary.token)
const json = JSON.stringify

interface Case {
  readonly code: ProblemCode
  /** `rw` is sent unless the case says which credential. */
  readonly key?: 'r' | 'w' | 'other scope' | 'newer' | 'none' | 'wrong'
  readonly ask: InjectOptions
}

const put = (payload: string | Buffer, headers: Record<string, string> = {}): InjectOptions => ({
  method: 'PUT',
  url: `/v1/secrets?ref=local:app/one`,
  headers: { 'content-type': 'application/json', ...headers },
  payload
})
const batch = (payload: string): InjectOptions => ({
  ...put(payload),
  method: 'POST',
  url: '/v1/secrets/batch'
})

const CASES: Record<string, Case> = {
  'a path that is no URL': { code: 'invalid_request', ask: { url: `/%zz${WORD}` } },
  'no such route': { code: 'route_not_found', ask: { url: `/v1/${WORD}?x=${WORD}` } },
  'no such route, with a body of any kind': {
    code: 'route_not_found',
    ask: { ...put(canary.token, { 'content-type': 'text/plain' }), url: `/v1/none/${WORD}` }
  },
  'no such route, with a body that is no JSON': {
    code: 'route_not_found',
    ask: { ...put(`{"${WORD}`), url: `/v1/none/${WORD}` }
  },
  'no such route, with a body above the limit': {
    code: 'route_not_found',
    ask: { ...put(json(canary.token.repeat(2_000))), url: `/v1/none/${WORD}` }
  },
  'a route with a slash at its end': { code: 'route_not_found', ask: { url: '/v1/whoami/' } },
  'a route in capitals': { code: 'route_not_found', ask: { url: '/V1/whoami' } },
  'a method that the route does not have': {
    code: 'method_not_allowed',
    ask: { method: 'DELETE', url: `/v1/secrets?ref=${WORD}` }
  },
  'such a method with a body of any kind': {
    code: 'method_not_allowed',
    ask: { ...put(canary.token, { 'content-type': 'text/plain' }), method: 'PATCH' }
  },
  'a body above the limit': {
    code: 'payload_too_large',
    ask: put(json({ value: canary.token.repeat(2_000) }))
  },
  'a URL above the limit': {
    code: 'uri_too_long',
    ask: { url: `/v1/secrets?ref=${WORD.repeat(400)}` }
  },
  'a path segment above the limit': {
    code: 'uri_too_long',
    ask: { url: `/v1/secrets/${WORD}${'a'.repeat(2_100)}` }
  },
  'a text as a body': {
    code: 'unsupported_media_type',
    ask: put(json({ value: canary.token }), { 'content-type': 'text/plain' })
  },
  'JSON in another alphabet than its own': {
    code: 'unsupported_media_type',
    ask: put(json({ value: canary.token }), { 'content-type': 'application/json; charset=utf-16' })
  },
  'a form as a body': {
    code: 'unsupported_media_type',
    ask: put(`value=${WORD}`, { 'content-type': 'application/x-www-form-urlencoded' })
  },
  'a media type that resembles JSON': {
    code: 'unsupported_media_type',
    ask: put(json({ value: canary.token }), { 'content-type': `application/jsonx; ${WORD}` })
  },
  'a body without a media type': {
    code: 'unsupported_media_type',
    ask: { method: 'PUT', url: '/v1/secrets?ref=local:app/one', payload: Buffer.from('{}') }
  },
  'a body that is no JSON': { code: 'invalid_request', ask: put(`{"value":"${WORD}"`) },
  'no body at all': {
    code: 'invalid_request',
    ask: { method: 'POST', url: '/v1/secrets/batch' }
  },
  'a member twice': { code: 'invalid_request', ask: put(`{"value":"${WORD}","value":"x"}`) },
  'an unknown member': {
    code: 'invalid_request',
    ask: put(json({ value: 'x', [canary.token]: canary.token }))
  },
  'an unknown member beside refs': {
    code: 'invalid_request',
    ask: batch(json({ refs: ['local:app/one'], [canary.token]: 1 }))
  },
  'a member __proto__': {
    code: 'invalid_request',
    ask: put(`{"data":{"__proto__":{"value":"${WORD}"}}}`)
  },
  'a number for a text': { code: 'invalid_request', ask: put('{"value":5}') },
  'null for a text': { code: 'invalid_request', ask: put('{"value":null}') },
  'a text for a list': { code: 'invalid_request', ask: batch(json({ refs: canary.token })) },
  'a text for an object': { code: 'invalid_request', ask: put(json({ data: canary.token })) },
  'value and data at once': { code: 'invalid_request', ask: put('{"value":"x","data":{}}') },
  'an unknown parameter': {
    code: 'invalid_request',
    ask: { url: `/v1/secrets?ref=local:app/one&${WORD}=${WORD}` }
  },
  'a parameter twice': {
    code: 'invalid_request',
    ask: { url: `/v1/secrets?ref=local:app/one&ref=${WORD}` }
  },
  'a missing parameter': { code: 'invalid_request', ask: { url: '/v1/secrets' } },
  'an empty reference': { code: 'invalid_request', ask: { url: '/v1/secrets?ref=' } },
  'a reference that is none': {
    code: 'invalid_reference',
    ask: { url: `/v1/secrets?ref=local:${WORD}` }
  },
  'a field that is none': {
    code: 'invalid_reference',
    ask: { url: `/v1/secrets?ref=local:app/one&field=%00${WORD}` }
  },
  'a name that is none': { code: 'invalid_request', ask: { url: `/v1/secrets/${WORD}` } },
  'two credentials': {
    code: 'conflicting_credentials',
    ask: { url: '/v1/whoami', headers: { 'x-api-key': WORD } }
  },
  'no credential': { code: 'authentication_required', key: 'none', ask: { url: '/v1/whoami' } },
  'a credential of another scheme': {
    code: 'authentication_required',
    key: 'none',
    ask: { url: '/v1/whoami', headers: { authorization: `Basic ${WORD}` } }
  },
  'a key in the query': {
    code: 'authentication_required',
    key: 'none',
    ask: { url: `/v1/whoami?api_key=${WORD}&access_token=${WORD}` }
  },
  'a wrong key': { code: 'invalid_api_key', key: 'wrong', ask: { url: '/v1/whoami' } },
  'a wrong internal secret': {
    code: 'authentication_required',
    key: 'none',
    ask: {
      ...batch(json({ key: canary.token })),
      url: '/internal/introspect',
      headers: { 'x-internal-secret': WORD }
    }
  },
  'a key of another scope': {
    code: 'insufficient_scope',
    key: 'other scope',
    ask: { url: `/v1/secrets?ref=${WORD}` }
  },
  'a key that writes and asks to read': {
    code: 'insufficient_mode',
    key: 'w',
    ask: { url: '/v1/secrets?ref=local:app/one' }
  },
  'a key that reads and asks to write': {
    code: 'insufficient_mode',
    key: 'r',
    ask: put(json({ value: canary.token }))
  },
  'a key of a newer platform': {
    code: 'version_too_old',
    key: 'newer',
    ask: { url: '/v1/whoami' }
  },
  'a secret that policy does not give': {
    code: 'access_denied',
    ask: { url: '/v1/secrets?ref=local:other/one' }
  },
  'a secret that does not exist': {
    code: 'secret_not_found',
    ask: { url: '/v1/secrets?ref=local:app/none' }
  },
  'a field that does not exist': {
    code: 'field_not_found',
    ask: { url: '/v1/secrets?ref=local:app/one&field=none' }
  }
}

test('every error is a problem of the table and repeats nothing of the request', async (t) => {
  const { app, keyring, seed, logs } = await buildTestApp(t, { yaml: YAML })
  await seed('local', 'app/one', json({ first: canary.token, second: 'x' }))
  const keys = {
    none: undefined,
    wrong: WORD,
    rw: await issueKey(keyring, 'app', 'rw'),
    r: await issueKey(keyring, 'app', 'r'),
    w: await issueKey(keyring, 'app', 'w'),
    'other scope': await issueKey(keyring, 'app', 'rw', { scopes: ['aura-services:token'] }),
    newer: await issueKey(keyring, 'app', 'rw', { minimumVersion: '99.0.0' })
  }
  for (const [what, { code, key = 'rw', ask }] of Object.entries(CASES)) {
    const credential = keys[key]
    const answer = await app.server.inject({
      ...ask,
      headers: {
        'x-canary': WORD,
        'user-agent': WORD,
        'x-request-id': `${WORD} is no request id`,
        referer: WORD,
        ...(credential !== undefined && { authorization: `Bearer ${credential}` }),
        ...ask.headers
      }
    })
    assertProblem(t, answer, { code, canary, what })
  }
  t.same(canary.findIn(logs.join('')), [], 'nor is it in the log')
})

test('the pointers of a refused body name our members, and unknown ones that can be no value', async (t) => {
  const { app, as } = await buildTestApp(t, { yaml: YAML })
  const { key } = await as('app', 'rw')
  const errorsOf = async (ask: InjectOptions): Promise<unknown> => {
    const answer = await app.server.inject({
      ...ask,
      headers: { ...ask.headers, 'x-api-key': key }
    })
    return assertProblem(t, answer, { code: 'invalid_request' }).errors
  }
  t.same(await errorsOf(batch('{"refs":["a",5]}')), [{ pointer: '/body/refs/1', rule: 'type' }])
  t.same(await errorsOf(batch('{}')), [{ pointer: '/body/refs', rule: 'required' }])
  const unknown = async (name: string): Promise<unknown> =>
    errorsOf(batch(json({ refs: ['a'], [name]: 1 })))
  for (const name of ['mine', 'expires', 'apiKey', 'max_days', 'minimumVersionOf']) {
    t.same(await unknown(name), [{ pointer: `/body/${name}`, rule: 'additionalProperties' }])
  }
  for (const name of [
    '',
    'x',
    'hunter2',
    'PASSWORD',
    'correct-horse-battery-staple',
    'correct_horse_battery_staple',
    'correcthorsebatterystaple',
    'xKqPzRtLmVbNwDfG',
    'AKIAIOSFODNNEXAMPLE',
    'purser_dev_eyJ0eXAi',
    'a/b',
    'a~b',
    'sk_live_4eC39HqLyjWDarjtT1zdp7dc',
    canary.token
  ]) {
    t.same(await unknown(name), [{ pointer: '/body', rule: 'additionalProperties' }], name)
  }
  const asked = await errorsOf({ url: '/v1/secrets/short?fields=a' })
  t.same(asked, [{ pointer: '/querystring/fields', rule: 'additionalProperties' }])
  t.same(await errorsOf({ url: '/v1/secrets' }), [
    { pointer: '/querystring/ref', rule: 'required' },
    { pointer: '/querystring/prefix', rule: 'required' },
    { pointer: '/querystring', rule: 'anyOf' }
  ])
})

test('an answer to HEAD is the problem without its body', async (t) => {
  const { app, as } = await buildTestApp(t, { yaml: YAML })
  const { ask } = await as('app')
  const url = '/v1/secrets?ref=local:app/none'
  const head = await ask('HEAD', url)
  assertProblem(t, head, { code: 'secret_not_found', bodiless: true })
  assertProblem(t, await app.server.inject({ method: 'HEAD', url }), {
    code: 'authentication_required',
    bodiless: true
  })
})
