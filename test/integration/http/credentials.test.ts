// Who is believed: one credential, in one spelling, and one answer for all that are not.
import { randomBytes } from 'node:crypto'
import { test } from 'tap'
import { createRevocations } from '../../../src/keys/revocations.ts'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp, type TestApp } from '../../support/build-app.ts'
import { b64, claimsFor, FOREIGN_HEADERS, forgeKey } from '../../support/forged-key.ts'
import { issueKey, randomKeyring } from '../../support/keys.ts'
import { type Answered, assertProblem } from '../../support/problem.ts'
import { answersIn, exchange, listenOn } from '../../support/raw-http.ts'
import { respellingsOf } from '../../support/respellings.ts'

const YAML = `
stores: [{ name: local, kind: local }]
policies: [{ client: app, read: ['local:**'] }]
`

/** Asks over a socket, so that the headers arrive as they are written here. */
const createAsker = async ({ app }: TestApp) => {
  const port = await listenOn(app.server)
  return async (headers: readonly string[], line = 'GET /v1/whoami'): Promise<Answered> => {
    const head = [`${line} HTTP/1.1`, 'Host: a', 'X-Request-Id: same', 'Connection: close']
    const { text } = await exchange(port, `${[...head, ...headers].join('\r\n')}\r\n\r\n`)
    return answersIn(text)[0] ?? { statusCode: Number.NaN, headers: {}, body: text }
  }
}

test('a key is taken as Bearer, ApiKey and X-API-Key, whatever the case of scheme and header', async (t) => {
  const built = await buildTestApp(t, { yaml: YAML })
  const key = await issueKey(built.keyring, 'app')
  const ask = await createAsker(built)
  for (const header of [
    `Authorization: Bearer ${key}`,
    `authorization: bearer ${key}`,
    `AUTHORIZATION: BEARER   ${key}`,
    `Authorization: ApiKey ${key}`,
    `Authorization: apikey ${key}`,
    `X-API-Key: ${key}`,
    `x-api-key:${key}`
  ]) {
    t.equal((await ask([header])).statusCode, 200, header.slice(0, 24))
  }
})

test('two credentials, or one twice, are a conflict even where each is valid', async (t) => {
  const built = await buildTestApp(t, { yaml: YAML })
  const key = await issueKey(built.keyring, 'app')
  const ask = await createAsker(built)
  const forms = [
    `Authorization: Bearer ${key}`,
    `Authorization: ApiKey ${key}`,
    `X-API-Key: ${key}`
  ]
  for (const first of forms) {
    for (const second of [...forms, 'Authorization:', 'x-api-key:', 'Authorization: Basic eDp5']) {
      for (const headers of [
        [first, second],
        [second, first]
      ]) {
        assertProblem(t, await ask(headers), { code: 'conflicting_credentials' })
      }
    }
  }
})

test('without a key of a known scheme in a header, authentication is required', async (t) => {
  const built = await buildTestApp(t, { yaml: YAML })
  const key = await issueKey(built.keyring, 'app')
  const ask = await createAsker(built)
  const asks: [string[], string?][] = [
    [[]],
    [['Authorization:']],
    [['Authorization: Bearer']],
    [['X-API-Key:']],
    [[`Authorization: ${key}`]],
    [[`Authorization: Basic ${key}`]],
    [[`Authorization: Digest ${key}`]],
    [[`Authorization: Token ${key}`]],
    [[`Proxy-Authorization: Bearer ${key}`]],
    [[`Cookie: x-api-key=${key}; authorization=${key}`]],
    [[`X-Internal-Secret: ${built.internalSecret}`]],
    [[], `GET /v1/whoami?api_key=${key}&access_token=${key}&key=${key}`]
  ]
  const bodies = new Set<string>()
  for (const [headers, line] of asks) {
    const answer = await ask(headers, line)
    assertProblem(t, answer, { code: 'authentication_required' })
    bodies.add(answer.body)
  }
  t.equal(bodies.size, 1, 'one body')
})

test('no other spelling of a key that was just used is taken, and all get one answer', async (t) => {
  const built = await buildTestApp(t, { yaml: YAML })
  const ask = await createAsker(built)

  const key = await issueKey(built.keyring, 'app')
  t.equal((await ask([`X-API-Key: ${key}`])).statusCode, 200)
  const other = await buildTestApp(t, { yaml: YAML })
  const revoked = await issueKey(built.keyring, 'app', 'r', {
    keyId: '5a0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10'
  })
  t.equal((await ask([`X-API-Key: ${revoked}`])).statusCode, 200)
  await createRevocations(built.app.state).revoke(
    '5a0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10',
    Date.now()
  )

  const refused = [
    'x',
    'purser_dev_',
    'a'.repeat(3_000),
    await issueKey(other.keyring, 'app'),
    await issueKey(built.keyring, 'app', 'r', { environment: 'pro' }),
    await issueKey(built.keyring, 'app', 'r', { lifetimeSeconds: 0 }),
    revoked,
    built.internalSecret,
    ...respellingsOf(key)
  ]
  const answers = new Set<string>()
  const askBoth = async (given: string): Promise<void> => {
    for (const header of [`X-API-Key: ${given}`, `Authorization: Bearer ${given}`]) {
      const answer = await ask([header])
      if (answer.statusCode === 200) t.fail(`taken: ${JSON.stringify(given)}`)
      const { date: _date, ...headers } = answer.headers
      answers.add(JSON.stringify({ ...answer, headers }))
    }
  }
  for (let i = 0; i < refused.length; i += 20)
    await Promise.all(refused.slice(i, i + 20).map(askBoth))
  t.equal(answers.size, 1, [...answers].join('\n'))
  const [only = '{}'] = answers
  assertProblem(t, JSON.parse(only), { code: 'invalid_api_key' })
  t.ok(refused.length > 100)
  t.equal((await ask([`X-API-Key: ${key}`])).statusCode, 200, 'the key itself is')
})

test('whatever a decoder would say of a key, its caller gets one answer, to the byte', async (t) => {
  const { app, encryptionKey, keyring, logs } = await buildTestApp(t, { yaml: YAML })
  const claims = claimsFor(encryptionKey, Date.now())
  const good = forgeKey(encryptionKey, claims)
  const [head = '', , iv = '', ciphertext = '', tag = ''] = good.split('.')
  const keys = {
    ...Object.fromEntries(
      FOREIGN_HEADERS.map((header) => [
        JSON.stringify(header),
        forgeKey(encryptionKey, claims, header)
      ])
    ),
    'another encryption key': await issueKey(randomKeyring().keyring, 'app'),
    'a changed iv': [head, '', b64(randomBytes(12)), ciphertext, tag].join('.'),
    'a short iv': [head, '', iv.slice(4), ciphertext, tag].join('.'),
    'a changed tag': [head, '', iv, ciphertext, b64(randomBytes(16))].join('.'),
    'a short tag': [head, '', iv, ciphertext, tag.slice(0, 6)].join('.'),
    'a changed ciphertext': [head, '', iv, b64(randomBytes(200)), tag].join('.'),
    'no ciphertext': [head, '', iv, '', tag].join('.'),
    'an encrypted key': [head, 'AAAA', iv, ciphertext, tag].join('.'),
    'four parts': [head, '', iv, ciphertext].join('.'),
    'six parts': `${good}.AAAA`,
    'a header that is no JSON': `purser_dev_${b64('{')}..${iv}.${ciphertext}.${tag}`,
    'a payload that is no JSON': forgeKey(encryptionKey, claims, {}, () => Buffer.from('{')),
    'a payload that is a list': forgeKey(encryptionKey, claims, {}, () => Buffer.from('[]')),
    'another encryption key inside': forgeKey(encryptionKey, { ...claims, kid: 'AAAAAAAA' }),
    'a claim too many': forgeKey(encryptionKey, { ...claims, admin: true }),
    'a time that is over': forgeKey(encryptionKey, { ...claims, exp: 1 }),
    'a time to come': forgeKey(encryptionKey, { ...claims, iat: 9_999_999_999 }),
    'another environment': await issueKey(keyring, 'app', 'r', { environment: 'pro' })
  }
  const ask = async (key: string) => {
    const headers = { 'x-api-key': key, 'x-request-id': 'same' }
    const {
      statusCode,
      headers: answered,
      body
    } = await app.server.inject({ url: '/v1/whoami', headers })
    const { date: _date, ...others } = answered
    return JSON.stringify({ statusCode, headers: others, body })
  }
  t.match(await ask(good), /"statusCode":200/, 'the key that they are made of is a good one')
  const expected = await ask('x')
  t.match(expected, /"statusCode":401/)
  for (const [what, key] of Object.entries(keys)) t.equal(await ask(key), expected, what)
  t.notMatch(logs.join(''), /JWE|JOSE|decrypt/i)
})

test('the internal door opens to its secret alone, given once', async (t) => {
  const built = await buildTestApp(t, { yaml: YAML })
  const { internalSecret: secret, keyring } = built
  const ask = await createAsker(built)
  const key = await issueKey(keyring, 'app', 'rw', { scopes: ['aura-services', 'aura-admin'] })
  const refused = [
    [],
    ['X-Internal-Secret:'],
    ['X-Internal-Secret: wrong'],
    [`X-Internal-Secret: ${secret}x`],
    [`X-Internal-Secret: ${secret.slice(0, -1)}`],
    [`X-Internal-Secret: ${secret.toUpperCase()}`],
    [`X-Internal-Secret: "${secret}"`],
    [`X-Internal-Secret: ${secret}, ${secret}`],
    [`Authorization: Bearer ${secret}`],
    [`X-API-Key: ${secret}`],
    [`Authorization: Bearer ${key}`],
    [`X-API-Key: ${key}`],
    [`X-Internal-Secret: ${key}`],
    [`Cookie: x-internal-secret=${secret}`]
  ]
  const bodies = new Set<string>()
  for (const path of ['introspect', 'resolve', 'cache/invalidate']) {
    const line = `POST /internal/${path}`
    for (const headers of refused) {
      const answer = await ask(headers, line)
      assertProblem(t, answer, { code: 'authentication_required' })
      bodies.add(answer.body)
    }
    for (const second of [secret, 'wrong', '']) {
      const twice = [`X-Internal-Secret: ${secret}`, `x-internal-secret: ${second}`]
      assertProblem(t, await ask(twice, line), { code: 'conflicting_credentials' })
      assertProblem(t, await ask(twice.reverse(), line), { code: 'conflicting_credentials' })
    }
    const known = await ask([`X-Internal-Secret: ${secret}`], line)
    t.equal(known.statusCode, 400, 'the right one comes as far as the missing body')
    assertProblem(t, await ask([], `${line}?x-internal-secret=${secret}`), {
      code: 'authentication_required'
    })
  }
  t.equal(bodies.size, 1, 'one body for missing and wrong')
})

test('a second internal secret is accepted while the first is being replaced', async (t) => {
  const built = await buildTestApp(t, { yaml: YAML })
  const next = 'pQ7zK2vR9tZ4wB8nL3pF6hJ1sD5gY0cAq'
  const introspect = async (secret: string): Promise<number> =>
    (
      await built.app.server.inject({
        method: 'POST',
        url: '/internal/introspect',
        headers: { 'x-internal-secret': secret },
        payload: { key: 'x' }
      })
    ).statusCode
  await built.reload({ env: { INTERNAL_SECRET: `${built.internalSecret},${next}` } })
  t.equal(await introspect(built.internalSecret), 200)
  t.equal(await introspect(next), 200)
  await built.reload({ env: { INTERNAL_SECRET: next } })
  t.equal(await introspect(built.internalSecret), 401)
  t.equal(await introspect(next), 200)
})

test('a refused key is on record with the reason, and with whose key it was', async (t) => {
  const built = await buildTestApp(t, { yaml: YAML })
  const key = await issueKey(built.keyring, 'app', 'r', { environment: 'stg' })
  await built.app.server.inject({ url: '/v1/whoami?x=1', headers: { 'x-api-key': key } })
  await built.app.server.inject({ url: '/v1/whoami', headers: { 'x-api-key': 'x' } })
  const events = await recordsIn(built.folder)
  t.match(events, [
    {
      action: 'key.authenticate',
      outcome: 'denied',
      code: 'invalid_api_key',
      reason: 'environment',
      client: 'app',
      route: 'GET /v1/whoami'
    },
    { action: 'key.authenticate', code: 'invalid_api_key', reason: 'unreadable' }
  ])
  t.notOk(JSON.stringify(events).includes(key))
})

test('a second credential is seen however many headers stand before it', async (t) => {
  const built = await buildTestApp(t, { yaml: YAML })
  const ask = await createAsker(built)
  const key = await issueKey(built.keyring, 'app')
  for (const count of [1_000, 1_999, 2_100, 3_000]) {
    const fillers = Array.from({ length: count }, (_, i) => `a${i}: b`)
    const answer = await ask([`X-API-Key: ${key}`, ...fillers, `Authorization: Bearer ${key}`])
    assertProblem(t, answer, { code: 'conflicting_credentials', what: `${count} headers` })
  }
})
