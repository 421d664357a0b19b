// A key that is bound to networks, through the whole service: on each way in, by the address that TRUST_PROXY tells.
import { type Test, test } from 'tap'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { asAdmin, issueKey } from '../../support/keys.ts'
import { assertProblem } from '../../support/problem.ts'

const YAML =
  'stores: [{ name: local, kind: local }]\npolicies: [{ client: app, read: ["local:**"] }]'
const BOUND = { networks: ['10.1.0.0/16', '2001:db8:1::/48'] }

const setUp = async (t: Test, proxies = '127.0.0.1') => {
  const built = await buildTestApp(t, { yaml: YAML, env: { TRUST_PROXY: proxies } })
  await built.seed('local', 'a', 'value')
  const inject = (
    key: string,
    url: string,
    from: string,
    forwarded?: string,
    more: Readonly<Record<string, string>> = {}
  ) =>
    built.app.server.inject({
      url,
      remoteAddress: from,
      headers: {
        'x-api-key': key,
        ...(forwarded !== undefined && { 'x-forwarded-for': forwarded }),
        ...more
      }
    })
  return { built, inject }
}

test('every route refuses a key from elsewhere as it refuses no key at all, and says why on record alone', async (t) => {
  const { built, inject } = await setUp(t)
  const key = await issueKey(built.keyring, 'app', 'r', BOUND)
  for (const url of [
    '/v1/secrets?ref=local:a',
    '/v1/secrets?ref=local:missing',
    '/v1/secrets/batch?ref=local:a',
    '/v1/events?ref=local:a',
    '/v1/whoami'
  ]) {
    const refused = await inject(key, url, '127.0.0.1', '10.2.0.1')
    const unknown = await inject('purser_dev_x', url, '127.0.0.1', '10.1.0.1')
    assertProblem(t, refused, { code: 'invalid_api_key' })
    const body = ({ instance: _instance, ...rest }: Record<string, unknown>) => rest
    t.same(body(refused.json()), body(unknown.json()), url)
  }
  const records = await recordsIn(built.folder)
  t.match(records[0], {
    action: 'key.authenticate',
    outcome: 'denied',
    client: 'app',
    reason: 'other_network',
    address: '10.2.0.1'
  })
})

test('the address is the one that TRUST_PROXY tells, and none that a caller made up', async (t) => {
  const { built, inject } = await setUp(t)
  const key = await issueKey(built.keyring, 'app', 'r', BOUND)
  const status = async (from: string, forwarded?: string) =>
    (await inject(key, '/v1/secrets?ref=local:a', from, forwarded)).statusCode
  t.equal(await status('127.0.0.1', '10.1.2.3'), 200)
  t.equal(await status('127.0.0.1', '2001:db8:1::5'), 200)
  t.equal(await status('10.1.2.3'), 200, 'without a proxy')
  t.equal(await status('::ffff:10.1.2.3'), 200)
  t.equal(await status('127.0.0.1', '10.1.2.3, 10.2.0.1'), 401, 'put before what the proxy wrote')
  t.equal(await status('10.2.0.1', '10.1.2.3'), 401, 'of nobody who is trusted')
  t.equal(await status('127.0.0.1'), 401, 'the proxy itself')
})

test('a proxy that asks for a caller is asked whose address it tells, and its own counts for nothing', async (t) => {
  const { built, inject } = await setUp(t, '10.1.0.9')
  const key = await issueKey(built.keyring, 'app', 'r', BOUND)
  const free = await issueKey(built.keyring, 'app', 'r')
  const ask = async (apiKey: string, from: string, forwarded?: string) => {
    const url = '/internal/authorize?scope=aura-services:secrets'
    const proof = { 'x-internal-secret': built.internalSecret, 'x-original-method': 'GET' }
    return (await inject(apiKey, url, from, forwarded, proof)).statusCode
  }
  t.equal(await ask(key, '10.1.0.9', '10.1.2.3'), 200)
  t.equal(await ask(key, '10.1.0.9', '10.2.0.1'), 401)
  t.equal(await ask(key, '10.1.0.9'), 401, 'it told none')
  t.equal(await ask(key, '10.1.0.9', 'unknown'), 401)
  t.equal(await ask(key, '10.1.0.8', '10.1.2.3'), 401, 'TRUST_PROXY does not list it')
  t.equal(await ask(free, '10.1.0.8'), 200, 'a key that is bound to nothing')
})

test('a sibling that asks what a key is says from where it is used', async (t) => {
  const { built } = await setUp(t)
  const key = await issueKey(built.keyring, 'app', 'r', BOUND)
  const introspect = async (payload: object) =>
    (
      await built.app.server.inject({
        method: 'POST',
        url: '/internal/introspect',
        headers: { 'x-internal-secret': built.internalSecret },
        remoteAddress: '10.1.0.1',
        payload
      })
    ).json()
  t.match(await introspect({ apiKey: key, address: '10.1.2.3' }), { active: true, ...BOUND })
  t.same(await introspect({ apiKey: key, address: '10.2.2.3' }), { active: false })
  t.same(await introspect({ apiKey: key }), { active: false }, "a sibling's own address is none")
})

test('whoami, the list of keys and an explanation tell what a key is bound to', async (t) => {
  const { built, inject } = await setUp(t)
  const key = await issueKey(built.keyring, 'app', 'r', BOUND)
  t.match((await inject(key, '/v1/whoami', '10.1.2.3')).json(), BOUND)
  const admin = await built.as('admin', 'rw', asAdmin)
  const { keys } = (await admin.ask('GET', '/v1/admin/keys')).json()
  t.match(
    keys.find(({ client }: { client: string }) => client === 'app'),
    BOUND
  )
  const explain = async (more: object) =>
    (await admin.ask('POST', '/v1/admin/explain', { apiKey: key, ref: 'local:a', ...more })).json()
  const verdict = (answer: { checks: { check: string }[] }) =>
    answer.checks.find(({ check }) => check === 'network')
  const open = await explain({})
  t.match(verdict(open), { verdict: 'open', detail: /10\.1\.0\.0\/16, 2001:db8:1::\/48/ })
  t.equal(open.allowed, true)
  t.match(verdict(await explain({ address: '10.1.2.3' })), { verdict: 'passes' })
  const elsewhere = await explain({ address: '10.2.0.1' })
  t.match(verdict(elsewhere), { verdict: 'refuses' })
  t.equal(elsewhere.allowed, false)
})

test('what a key issues is never usable from more places than the key itself', async (t) => {
  const { built, inject } = await setUp(t)
  const scopes = ['aura-admin', 'aura-services:secrets']
  const issuer = await issueKey(built.keyring, 'admin', 'rw', { scopes, ...BOUND })
  const post = (key: string, more: object) =>
    built.app.server.inject({
      method: 'POST',
      url: '/v1/admin/keys',
      remoteAddress: '10.1.0.1',
      headers: { 'x-api-key': key },
      payload: { client: 'app', scopes, mode: 'rw', ...more }
    })
  const inherited = await post(issuer, {})
  t.match(inherited.json(), BOUND, 'those of the issuer, if none are asked for')
  const narrow = await post(issuer, { networks: ['10.1.7.0/24'] })
  t.same(narrow.json().networks, ['10.1.7.0/24'])
  const childs = narrow.json().apiKey
  t.equal((await inject(childs, '/v1/whoami', '10.1.7.1')).statusCode, 200)
  t.equal((await inject(childs, '/v1/whoami', '10.1.8.1')).statusCode, 401)
  for (const networks of [['10.0.0.0/8'], ['10.1.7.0/24', '192.0.2.1'], ['::/0']]) {
    assertProblem(t, await post(issuer, { networks }), { code: 'access_denied' })
  }
  t.match((await recordsIn(built.folder)).at(-1), { action: 'key.issue', reason: 'wider_networks' })
  for (const network of ['10.1.0.0/40', '10.1.7.3/24', '10.1.7.0/024']) {
    const odd = assertProblem(t, await post(issuer, { networks: [network] }), {
      code: 'invalid_request'
    })
    t.match(odd.errors, [{ pointer: '/body/networks/0' }], network)
    t.match(odd.detail, /a network by its first address with a prefix, such as 10\.1\.0\.0\/16/)
  }
  const free = await issueKey(built.keyring, 'admin', 'rw', { scopes })
  t.match((await post(free, BOUND)).json(), BOUND, 'a key that is bound to nothing binds others')
})
