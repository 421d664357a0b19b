// Tokens of channels through the whole service, against Direct Line as it talks and as it fails.
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import type { Mode } from '../../../src/core/principal.ts'
import type { ProblemCode } from '../../../src/core/problem.ts'
import { newUserId } from '../../../src/integrations/channels.ts'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { createCanary } from '../../support/canary.ts'
import {
  type Behaviour,
  type FakeDirectLine,
  startDirectLine
} from '../../support/fake-direct-line.ts'
import { issueKey, randomSecret } from '../../support/keys.ts'
import { assertProblem } from '../../support/problem.ts'
import { until } from '../../support/replicas.ts'
import { startStopwatch } from '../../support/stopwatch.ts'

const USER_ID = /^dl_[0-9a-f]{32}$/

interface Options {
  readonly env?: Record<string, string>
  readonly secrets?: number
  readonly members?: string
}

/** A service with one channel at the fake, and `ask`, which asks it as `app` does. */
const build = async (t: Test, { env = {}, secrets = 2, members = '' }: Options = {}) => {
  const keys = [randomSecret(), randomSecret()]
  const fake = await startDirectLine(t, keys)
  const refs = ['"local:direct-line/key1"', '"local:direct-line/key2#key"'].slice(0, secrets)
  let time = Date.now()
  const service = await buildTestApp(t, {
    yaml: `
stores: [{ name: local, kind: local }]
policies:
  - { client: app, channels: ["web*"] }
  - { client: reader, read: ["local:**"], channels: [other] }
channels:
  - name: webchat
    secrets: [${refs.join(', ')}]
    endpoint: ${fake.url}
    ${members === '' ? 'trustedOrigins: ["https://www.example.com"]' : members}
`,
    env,
    now: () => time
  })
  await service.seed('local', 'direct-line/key1', `${keys[0]}\n`)
  await service.seed('local', 'direct-line/key2', JSON.stringify({ key: keys[1] }))
  const clientOf = (client: string, mode: Mode = 'w', scope = 'aura-services:token') =>
    service.as(client, mode, { scopes: [scope] })
  const app = await clientOf('app')
  const post = (path: string, payload?: object, { ask } = app) =>
    ask('POST', `/v1/channels/${path}`, payload)
  return {
    ...service,
    fake,
    keys,
    clientOf,
    post,
    ask: (payload?: object) => post('webchat/tokens', payload),
    pass: (ms: number) => {
      time += ms
    },
    warnings: () => service.logs.filter((line) => line.includes('does not accept a secret'))
  }
}

const generated = ({ seen }: FakeDirectLine) =>
  seen.filter(({ url }) => url === '/v3/directline/tokens/generate')

test('a token is for a user that nobody can guess, for the configured pages, and for one conversation', async (t) => {
  const { ask, fake, keys } = await build(t)
  const answer = await ask()
  t.equal(answer.statusCode, 200, answer.body)
  t.equal(answer.headers['cache-control'], 'no-store')
  const token = answer.json()
  t.match(token, { token: /^[\w-]+\.[\w-]+\.[\w-]+$/, expires_in: 1800, userId: USER_ID })
  t.equal(token.domain, `${fake.url}/v3/directline`)
  t.same(Object.keys(token).sort(), ['conversationId', 'domain', 'expires_in', 'token', 'userId'])
  const [call] = fake.seen
  t.equal(call?.authorization, `Bearer ${keys[0]}`)
  t.strictSame(JSON.parse(call?.body ?? ''), {
    user: { id: token.userId },
    trustedOrigins: ['https://www.example.com']
  })
  const others = await Promise.all([ask({}), ask({ user: {} }), ask()])
  const all = [token, ...others.map((other) => other.json())]
  for (const member of ['token', 'conversationId', 'userId']) {
    t.equal(new Set(all.map((one) => one[member])).size, 4, `${member} is nobody else's`)
  }
  t.equal(generated(fake).length, 4, 'two requests never share a call')
})

test('100,000 ids of users are distinct and of one form', async (t) => {
  const ids = new Set(Array.from({ length: 100_000 }, newUserId))
  t.equal(ids.size, 100_000)
  t.ok([...ids].every((id) => USER_ID.test(id)))
})

test('a caller may name the user, where the id is one that Direct Line takes and the channel takes any', async (t) => {
  const { ask, fake } = await build(t)
  const user = { id: 'dl_8c1f-customer_7', name: 'Ada Łovelace' }
  t.equal((await ask({ user })).json().userId, user.id)
  t.strictSame(JSON.parse(fake.seen[0]?.body ?? '').user, user)
  const named = await ask({ user: { name: 'Ada' } })
  t.match(named.json().userId, USER_ID)
  for (const id of [
    'ada',
    'dl_',
    'DL_ada',
    'dl_a b',
    'dl_ä',
    `dl_${'a'.repeat(126)}`,
    'x dl_a',
    'dl_a\n'
  ]) {
    assertProblem(t, await ask({ user: { id } }), { code: 'invalid_request', what: id })
  }
  assertProblem(t, await ask({ user: { name: 'a', role: 'admin' } }), { code: 'invalid_request' })
  t.equal(generated(fake).length, 2)
  const strict = await build(t, { members: 'trustedOrigins: []\n    userIds: generated' })
  assertProblem(t, await strict.ask({ user }), { code: 'invalid_request' })
  t.equal((await strict.ask()).statusCode, 200)
  t.notOk('trustedOrigins' in JSON.parse(strict.fake.seen[0]?.body ?? ''))
})

test('the body may be left out, but is an object where there is one', async (t) => {
  const { app, clientOf, fake } = await build(t)
  const { key } = await clientOf('app')
  const post = (payload?: string) =>
    app.server.inject({
      method: 'POST',
      url: '/v1/channels/webchat/tokens',
      headers: {
        'x-api-key': key,
        ...(payload !== undefined && { 'content-type': 'application/json' })
      },
      ...(payload !== undefined && { payload })
    })
  t.equal((await post()).statusCode, 200)
  for (const payload of ['null', 'false', '[]', '""']) {
    assertProblem(t, await post(payload), { code: 'invalid_request', what: payload })
  }
  t.equal(generated(fake).length, 1)
})

test('whoever may not use a channel cannot tell whether there is one', async (t) => {
  const { post, clientOf, fake, folder } = await build(t)
  const bodies = new Set<string>()
  const refused = async (client: string, name: string) => {
    const key = await clientOf(client)
    for (const [path, payload] of [
      [`${name}/tokens`, {}],
      [`${name}/tokens/refresh`, { token: 'a.b.c' }]
    ] as const) {
      const answer = await post(path, payload, key)
      assertProblem(t, answer, { code: 'access_denied', what: `${client} ${path}` })
      bodies.add(answer.body.replace(/[0-9a-f-]{36}/, ''))
    }
  }
  await refused('stranger', 'webchat')
  await refused('stranger', 'unheard-of')
  await refused('app', 'webchat2')
  await refused('app', 'unheard-of')
  // The right to read the secrets is not the right to the channel.
  await refused('reader', 'webchat')
  t.equal(bodies.size, 1, 'the same bytes')
  t.equal(fake.seen.length, 0)
  const reasons = (await recordsIn(folder)).map(({ action, outcome, reason, object }) => [
    action,
    outcome,
    reason,
    object
  ])
  t.same(reasons[0], ['token.issue', 'denied', 'no_rule', 'channel webchat'])
  t.same(reasons[4], ['token.issue', 'denied', 'unknown_channel', 'channel webchat2'])
  t.notOk(reasons.some(([action]) => action === 'secret.read'))
})

test('the right on a channel is the right on its secrets through the channel, and no further', async (t) => {
  const { ask, app, keyring, clientOf, post } = await build(t)
  const whole = await issueKey(keyring, 'app', 'rw', { scopes: ['aura-services'] })
  const read = await app.server.inject({
    url: '/v1/secrets?ref=local:direct-line/key1',
    headers: { authorization: `Bearer ${whole}` }
  })
  assertProblem(t, read, { code: 'access_denied' })
  t.equal((await ask()).statusCode, 200)
  const reads = await clientOf('app', 'r')
  assertProblem(t, await post('webchat/tokens', {}, reads), { code: 'insufficient_mode' })
  const secrets = await clientOf('app', 'rw', 'aura-services:secrets')
  assertProblem(t, await post('webchat/tokens', {}, secrets), { code: 'insufficient_scope' })
})

test('a token is on record before it leaves, with its channel and never itself', async (t) => {
  const { ask, post, folder, keys, logs } = await build(t)
  const first = (await ask()).json()
  await post('webchat/tokens/refresh', { token: first.token })
  const records = await recordsIn(folder)
  t.match(records, [
    {
      action: 'secret.read',
      outcome: 'allowed',
      client: 'app',
      reference: 'local:direct-line/key1',
      reason: 'channel webchat'
    },
    {
      action: 'token.issue',
      outcome: 'allowed',
      client: 'app',
      object: 'channel webchat',
      route: 'POST /v1/channels/:name/tokens'
    },
    { action: 'token.refresh', outcome: 'allowed', client: 'app', object: 'channel webchat' }
  ])
  const written = JSON.stringify(records) + logs.join('')
  for (const text of [first.token, ...keys]) t.notOk(written.includes(text))
})

test('a token is refreshed for its conversation and user until it has expired', async (t) => {
  const { ask, post, fake } = await build(t)
  const first = (await ask()).json()
  let { token } = first
  for (let n = 0; n < 3; n++) {
    fake.pass(1700)
    const answer = await post('webchat/tokens/refresh', { token })
    t.equal(answer.statusCode, 200, answer.body)
    const next = answer.json()
    t.match(next, {
      conversationId: first.conversationId,
      userId: first.userId,
      domain: first.domain
    })
    t.not(next.token, token)
    token = next.token
  }
  fake.pass(1801)
  const late = assertProblem(t, await post('webchat/tokens/refresh', { token }), {
    code: 'invalid_request'
  })
  t.equal(late.detail, 'the token has expired: ask for a new one')
  const foreign = await post('webchat/tokens/refresh', { token: 'not.a.token' })
  t.equal(
    assertProblem(t, foreign, { code: 'invalid_request' }).detail,
    'the token is not accepted: ask for a new one'
  )
  for (const bad of ['', 'a b', 'a\r\nx: y', 'ä']) {
    assertProblem(t, await post('webchat/tokens/refresh', { token: bad }), {
      code: 'invalid_request',
      what: bad
    })
  }
  t.equal(generated(fake).length, 1, 'a refresh never takes the secret')
})

test('killing the first key upstream loses no request, and it is tried again now and then', async (t) => {
  const { ask, fake, keys, pass, warnings } = await build(t)
  t.equal((await ask()).statusCode, 200)
  fake.keys.delete(keys[0] ?? '')
  const during = await Promise.all(Array.from({ length: 10 }, () => ask()))
  t.ok(during.every(({ statusCode }) => statusCode === 200))
  const before = fake.seen.length
  const warned = warnings().length
  t.match(JSON.parse(warnings()[0] ?? '{}'), {
    level: 'warn',
    channel: 'webchat',
    secret: 1,
    status: 403
  })
  for (let n = 0; n < 10; n++) t.equal((await ask()).statusCode, 200)
  t.equal(fake.seen.length, before + 10, 'a dead first key costs nothing after that')
  t.ok(fake.seen.slice(before).every(({ authorization }) => authorization === `Bearer ${keys[1]}`))
  pass(5 * 60_000 + 1)
  const later = await Promise.all([ask(), ask(), ask()])
  t.ok(later.every(({ statusCode }) => statusCode === 200))
  t.equal(fake.seen.length, before + 10 + 4, 'one of three requests tried it again')
  t.equal(warnings().length, warned + 1)
  // Key 1 was regenerated and now key 2 is: the first works again.
  fake.keys.add(keys[0] ?? '')
  fake.keys.delete(keys[1] ?? '')
  for (let n = 0; n < 3; n++) t.equal((await ask()).statusCode, 200)
  t.equal(fake.seen.at(-1)?.authorization, `Bearer ${keys[0]}`)
})

test('where no secret is accepted the broker is at fault, not the caller', async (t) => {
  for (const secrets of [1, 2]) {
    const { ask, fake, warnings } = await build(t, { secrets })
    fake.keys.clear()
    assertProblem(t, await ask(), { code: 'directline_rejected' })
    t.equal(fake.seen.length, secrets)
    t.equal(warnings().length, secrets)
    fake.behaviour = 'data boundary'
    assertProblem(t, await ask(), { code: 'directline_rejected' })
    t.match(JSON.parse(warnings().at(-1) ?? '{}'), { code: 'DataBoundaryViolation' })
  }
})

test('a secret that cannot be read is passed over for the other one', async (t) => {
  const { ask, reload, fake, keys } = await build(t)
  const yaml = (refs: string) => `
stores: [{ name: local, kind: local }]
policies: [{ client: app, channels: [webchat] }]
channels: [{ name: webchat, secrets: [${refs}], endpoint: ${fake.url}, trustedOrigins: [] }]
`
  await reload({ yaml: yaml('"local:missing", "local:direct-line/key2#key"') })
  t.equal((await ask()).statusCode, 200)
  t.equal(fake.seen.at(-1)?.authorization, `Bearer ${keys[1]}`)
  await reload({ yaml: yaml('"local:missing"') })
  assertProblem(t, await ask(), { code: 'store_misconfigured' })
  await reload({ yaml: yaml('"local:direct-line/key2#nothing"') })
  assertProblem(t, await ask(), { code: 'store_misconfigured' })
  await reload({ yaml: yaml('').replace(/channels: \[\{.*/s, '') })
  assertProblem(t, await ask(), { code: 'access_denied' })
})

test('whatever Direct Line does, the caller gets a problem of ours, in time, and nothing of what it said', async (t) => {
  const canary = createCanary()
  const { ask, post, fake, keys, logs } = await build(t, { env: { UPSTREAM_TIMEOUT_MS: '1000' } })
  const { token } = (await ask()).json()
  fake.message = canary.token
  const cases: [Behaviour, ProblemCode, number?][] = [
    [{ throttled: '17' }, 'store_throttled', 17],
    [{ throttled: undefined }, 'store_throttled', 2],
    [{ throttled: canary.token }, 'store_throttled', 2],
    [{ status: 500 }, 'store_unavailable'],
    [{ status: 404 }, 'store_misconfigured'],
    ['HTML 502', 'store_unavailable'],
    ['redirect', 'store_invalid_answer'],
    ['silent', 'store_timeout'],
    ['half an answer', 'store_unavailable'],
    ['cut JSON', 'store_invalid_answer'],
    ['too large', 'store_invalid_answer'],
    ['not JSON', 'store_invalid_answer'],
    ['no token', 'store_invalid_answer']
  ]
  for (const [behaviour, code, retryAfter] of cases) {
    fake.behaviour = behaviour
    for (const [path, payload] of [
      ['webchat/tokens', {}],
      ['webchat/tokens/refresh', { token }]
    ] as const) {
      const passed = startStopwatch()
      const answer = await post(path, payload)
      const what = `${path} ${JSON.stringify(behaviour)}`
      const problem = assertProblem(t, answer, { code, canary, what })
      if (retryAfter !== undefined) t.equal(problem.retryAfter, retryAfter, what)
      t.ok(passed() < 8_000, `${what} in time`)
    }
  }
  t.same(fake.elsewhere, [], 'no redirect was followed')
  t.same(canary.findIn(logs.join('')), [])
  for (const key of [...keys, token]) t.notOk(logs.join('').includes(key))
  fake.behaviour = { status: 400 }
  assertProblem(t, await ask(), { code: 'store_misconfigured' })
  fake.behaviour = 'reset once'
  t.equal((await ask()).statusCode, 200, 'a connection that ended is taken up once')
  fake.behaviour = 'good'
  t.equal((await ask()).statusCode, 200)
})

test('nothing listens at the endpoint: unavailable', async (t) => {
  const { ask, reload } = await build(t)
  await reload({
    yaml: `
stores: [{ name: local, kind: local }]
policies: [{ client: app, channels: [webchat] }]
channels: [{ name: webchat, secrets: ["local:direct-line/key1"], endpoint: "http://127.0.0.1:9", trustedOrigins: [] }]
`
  })
  assertProblem(t, await ask(), { code: 'store_unavailable' })
})

test('a flood at one channel is held back before Direct Line would throttle the whole site', async (t) => {
  const { ask, fake } = await build(t, { env: { UPSTREAM_TIMEOUT_MS: '30000' } })
  fake.behaviour = 'silent'
  // Which of them come first is not said: keys are opened side by side.
  const answered: Awaited<ReturnType<typeof ask>>[] = []
  const flood = Array.from({ length: 30 }, async () => answered.push(await ask()))
  const isHeldBack = async () => answered.length >= 14 && fake.underWay() >= 16
  await until(isHeldBack, { withinMs: 25_000 })
  t.equal(answered.length, 14, 'none is answered before Direct Line speaks')
  for (const answer of answered) assertProblem(t, answer, { code: 'overloaded' })
  t.equal(fake.underWay(), 16)
  fake.behaviour = 'good'
  fake.speak()
  await Promise.all(flood)
  t.equal(answered.filter(({ statusCode }) => statusCode === 200).length, 16)
  t.equal((await ask()).statusCode, 200)
})

test('a channel of kind webchat gives the token of the older scheme, which has neither user nor refresh', async (t) => {
  const { ask, post, fake, keys } = await build(t, { members: 'kind: webchat' })
  const answer = await ask()
  t.same(Object.keys(answer.json()).sort(), ['domain', 'token'], answer.body)
  t.match(fake.seen, [
    { method: 'GET', url: '/api/tokens', authorization: `BotConnector ${keys[0]}` }
  ])
  fake.keys.delete(keys[0] ?? '')
  t.equal((await ask()).statusCode, 200)
  assertProblem(t, await ask({ user: { id: 'dl_a' } }), { code: 'invalid_request' })
  const refresh = await post('webchat/tokens/refresh', { token: answer.json().token })
  assertProblem(t, refresh, { code: 'invalid_request' })
  fake.behaviour = 'not JSON'
  fake.message = 'two words'
  assertProblem(t, await ask(), { code: 'store_invalid_answer' })
})

test('a token that cannot be recorded does not leave', async (t) => {
  const { ask, post, folder, fake, pass } = await build(t)
  const { token } = (await ask()).json()
  const audit = join(folder, 'data', 'audit')
  await rename(audit, `${audit}-gone`)
  await writeFile(audit, 'a file where the folder was')
  // The open file is looked at once a second.
  pass(1100)
  assertProblem(t, await ask(), { code: 'audit_unavailable' })
  t.equal(fake.seen.length, 1)
  const refreshed = await post('webchat/tokens/refresh', { token })
  assertProblem(t, refreshed, { code: 'audit_unavailable' })
  t.equal(fake.seen.length, 2, 'there was a token')
})

test('a channel without its secret says in the log which one cannot be read and why, and nothing of a value', async (t) => {
  const { ask, reload, logs, seed } = await build(t)
  const canary = createCanary()
  await seed('local', 'many', JSON.stringify({ a: canary.token, b: canary.token }))
  const yaml = (...secrets: string[]): string => `
stores: [{ name: local, kind: local }]
policies: [{ client: app, channels: ["web*"] }]
channels:
  - { name: webchat, secrets: ${JSON.stringify(secrets)}, endpoint: "http://127.0.0.1:1", trustedOrigins: [] }
`
  for (const [secrets, codes] of [
    [['local:missing'], ['secret_not_found']],
    [
      ['local:many#none', 'local:many'],
      ['field_not_found', 'field_required']
    ]
  ] as const) {
    await reload({ yaml: yaml(...secrets) })
    logs.splice(0)
    assertProblem(t, await ask(), { code: 'store_misconfigured', canary })
    const lines = logs
      .map((line) => JSON.parse(line))
      .filter(({ channel }) => channel === 'webchat')
    t.same(
      lines.map(({ level, secret, code }) => [level, secret, code]),
      codes.map((code, i) => ['warn', i + 1, code])
    )
    t.notMatch(logs.join(''), /local:m/, 'nor a reference')
    t.same(canary.findIn(logs.join('')), [])
  }
})
