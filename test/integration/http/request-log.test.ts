// A line for each request, where LOG_LEVEL asks for it: why it was answered so, and nothing that somebody sent.
import { test } from 'tap'
import { createLogger } from '../../../src/telemetry/logger.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { createCanary } from '../../support/canary.ts'
import { issueKey } from '../../support/keys.ts'
import { openServer } from '../../support/open-server.ts'

const YAML = `
stores: [{ name: local, kind: local }]
policies: [{ client: app, read: ['local:app/**'] }]
`

test('the log tells of each request its route, answer, caller and reason, and nothing that was sent', async (t) => {
  const built = await buildTestApp(t, { yaml: YAML })
  const { app, keyring, logs, internalSecret } = built
  const canary = createCanary()
  const word = encodeURIComponent(canary.token)
  await built.seed('local', 'app/one', canary.token)
  const keyId = '5a0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10'
  const key = await issueKey(keyring, 'app', 'r', { keyId })
  const foreign = await issueKey(keyring, 'other', 'r', { environment: 'stg' })
  const lines = () =>
    logs
      .splice(0)
      .map((line) => JSON.parse(line))
      .filter(({ msg }) => msg === 'request')
  const ask = async (url: string, authorization: string, more: Record<string, string> = {}) => {
    const headers = { authorization, 'x-request-id': 'r-1', 'user-agent': word, ...more }
    await app.server.inject({ url, headers })
    const found = lines()
    t.equal(found.length, 1, 'one line')
    t.same(canary.findIn(JSON.stringify(found)), [])
    t.notMatch(JSON.stringify(found), /purser_dev_|local:/)
    return found[0]
  }
  const read = await ask('/v1/secrets?ref=local:app/one', `Bearer ${key}`)
  t.match(read, {
    level: 'debug',
    requestId: 'r-1',
    method: 'GET',
    route: '/v1/secrets',
    status: 200,
    ms: Number,
    address: '127.0.0.1',
    client: 'app',
    keyId
  })
  t.notOk('code' in read)
  t.match(await ask(`/v1/secrets?ref=local:${word}`, `Bearer ${key}`), {
    status: 400,
    code: 'invalid_reference'
  })
  t.match(await ask('/v1/secrets?ref=local:other/one', `Bearer ${key}`), {
    status: 403,
    code: 'access_denied',
    reason: 'no_rule'
  })
  t.match(await ask('/v1/whoami', `Bearer ${foreign}`), {
    status: 401,
    client: 'other',
    code: 'invalid_api_key',
    reason: 'environment'
  })
  t.match(await ask('/v1/whoami', `Bearer ${word}`), { status: 401, reason: 'unreadable' })
  t.match(await ask('/v1/whoami', `Basic ${word}`), { code: 'authentication_required' })
  const none = await ask(`/${word}`, `Bearer ${key}`)
  t.match(none, { status: 404, code: 'route_not_found' })
  t.notOk('route' in none, 'there is none')
  t.match(
    await ask('/internal/authorize?scope=aura-services:users&uri=/a/../b', `Bearer ${key}`, {
      'x-internal-secret': internalSecret,
      'x-original-method': 'GET'
    }),
    { route: '/internal/authorize', status: 403, reason: 'ambiguous_uri' }
  )
})

test('at the level info no request has a line', async (t) => {
  for (const [level, count] of [
    ['info', 0],
    ['debug', 1],
    ['trace', 1]
  ] as const) {
    const logs: string[] = []
    const server = await openServer(t, {
      logger: createLogger(level, { write: (line) => void logs.push(line) }),
      addRoutes: (routes) => {
        routes.get('/here', { config: { auth: { kind: 'open' } } }, async () => ({}))
      }
    })
    await server.inject('/here')
    t.equal(logs.filter((line) => line.includes('"msg":"request"')).length, count, level)
  }
})
