// Reports of the page's policy: where a browser sends them, what the log says of them, and what it never says.
import { type Test, test } from 'tap'
import { SAME_ORIGIN } from '../../support/administrator.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { createCanary } from '../../support/canary.ts'
import { assertProblem } from '../../support/problem.ts'

const TYPE = 'application/csp-report'
const SAID = 'its policy forbids'

const setUp = async (t: Test) => {
  const clock = { now: Date.parse('2026-11-21T12:00:00Z') }
  const built = await buildTestApp(t, {
    yaml: 'stores: [{ name: local, kind: local }]\npolicies: []\n',
    env: { CONSOLE_ENABLED: 'true', HOST: '0.0.0.0' },
    now: () => clock.now
  })
  const page = await built.app.server.inject({ url: '/console', headers: SAME_ORIGIN })
  const policy = String(page.headers['content-security-policy'])
  const url = /report-uri (\S+)/.exec(policy)?.[1] ?? ''
  const send = (report: object | string, headers: Record<string, string> = {}, to = url) =>
    built.app.server.inject({
      method: 'POST',
      url: to,
      headers: { ...SAME_ORIGIN, 'content-type': TYPE, ...headers },
      payload: typeof report === 'string' ? report : JSON.stringify({ 'csp-report': report })
    })
  const said = () => built.logs.filter((line) => line.includes(SAID))
  return { built, clock, send, said }
}

test('the policy names where violations are reported, and the log tells of them in words of its own', async (t) => {
  const { send, said, built } = await setUp(t)
  const canary = createCanary()
  const answer = await send({
    'document-uri': `https://purser.example/console#${canary.token}`,
    'violated-directive': 'script-src-elem',
    'effective-directive': 'script-src-elem',
    'blocked-uri': `https://${canary.token}.example/`,
    'script-sample': canary.token
  })
  t.equal(answer.statusCode, 204)
  t.equal(answer.body, '')
  t.equal(said().length, 1)
  t.match(JSON.parse(said()[0] ?? ''), { directive: 'script-src-elem', blocked: 'an address' })
  t.same(canary.findIn(built.logs.join('')), [])
})

test('what is none of the lists is not repeated', async (t) => {
  const { clock, send, said } = await setUp(t)
  for (const report of [
    { 'effective-directive': 'made-up', 'blocked-uri': 'inline' },
    { 'violated-directive': "style-src 'self'", 'blocked-uri': 'made-up' },
    {}
  ]) {
    t.equal((await send(report)).statusCode, 204)
    clock.now += 60_000
  }
  t.match(
    said().map((line) => JSON.parse(line)),
    [
      { directive: 'another', blocked: 'inline' },
      { directive: 'style-src', blocked: 'an address' },
      { directive: 'another', blocked: 'an address' }
    ]
  )
})

test('however many reports come, the log has a line a minute', async (t) => {
  const { clock, send, said } = await setUp(t)
  for (let n = 0; n < 50; n++) await send({ 'blocked-uri': 'eval' })
  t.equal(said().length, 1)
  clock.now += 60_000
  await send({ 'blocked-uri': 'eval' })
  t.match(JSON.parse(said()[1] ?? ''), { before: 49 })
})

test('a report of a page elsewhere, one that is none, or one sent to another route is refused', async (t) => {
  const { send, said } = await setUp(t)
  for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }]) {
    assertProblem(t, await send({}, headers), { code: 'csrf_failed' })
  }
  assertProblem(t, await send('[]'), { code: 'invalid_request' })
  assertProblem(t, await send('{"csp-report":1}'), { code: 'invalid_request' })
  const elsewhere = await send({}, {}, '/console/api/sign-in/none')
  assertProblem(t, elsewhere, { code: 'route_not_found' })
  const other = await send({}, {}, '/console/api/v1/sessions')
  t.ok(other.statusCode >= 400)
  const big = await send({ 'blocked-uri': 'x'.repeat(100_000) })
  assertProblem(t, big, { code: 'payload_too_large' })
  t.same(said(), [])
})

test('a body of that type is taken by no other route', async (t) => {
  const { built, send } = await setUp(t)
  const { key } = await built.as('admin', 'rw', { scopes: ['aura-admin'] })
  for (const url of ['/console/api/v1/sessions', '/v1/admin/keys', '/v1/sessions']) {
    const answer = await send('{}', { 'x-api-key': key }, url)
    assertProblem(t, answer, { code: 'unsupported_media_type', what: url })
  }
})

test('whether the browser says which page asks is told to the page', async (t) => {
  const { built } = await setUp(t)
  const ask = (headers: Record<string, string>) =>
    built.app.server.inject({ url: '/console/api/sign-in', headers })
  t.equal((await ask(SAME_ORIGIN)).json().fetchMetadata, true)
  t.equal((await ask({ host: 'purser.example' })).json().fetchMetadata, false)
})
