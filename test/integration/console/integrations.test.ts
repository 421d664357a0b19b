// Bots, providers and channels behind the page: where credentials come from, whether they can be read, and a token, tried.
import { type Test, test } from 'tap'
import { openBrowser } from '../../support/administrator.ts'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { createCanary } from '../../support/canary.ts'
import { startDirectLine } from '../../support/fake-direct-line.ts'
import { randomSecret } from '../../support/keys.ts'
import { assertProblem } from '../../support/problem.ts'

const API = '/console/api'

const setUp = async (t: Test) => {
  const canary = createCanary()
  const written = createCanary()
  const secret = randomSecret()
  const fake = await startDirectLine(t, [secret])
  const built = await buildTestApp(t, {
    yaml: `
stores: [{ name: local, kind: local }]
secrets: { short: 'local:bots/shared' }
providers:
  - { name: shared, type: azure, credentialsSecrets: { key: short } }
bots:
  - name: helper
    displayName: Helper
    provider: shared
    credentials: { plain: ${JSON.stringify(written.token)} }
    credentialsSecrets: { password: 'local:bots/helper#password', gone: 'local:bots/gone', whole: 'local:bots/helper' }
channels:
  - { name: web, bot: helper, secrets: ['local:line/one'], endpoint: ${fake.url}, trustedOrigins: ["https://www.example.com"] }
`,
    env: { CONSOLE_ENABLED: 'true', HOST: '0.0.0.0', JWT_SECRET: randomSecret() }
  })
  await built.seed('local', 'bots/shared', canary.token)
  await built.seed('local', 'bots/helper', JSON.stringify({ user: 'u', password: canary.token }))
  await built.seed('local', 'line/one', secret)
  const signIn = async (mode: 'r' | 'w' | 'rw') => {
    const browser = openBrowser(built)
    await browser.signIn((await built.as('admin', mode, { scopes: ['aura-admin'] })).key)
    return browser
  }
  const browser = await signIn('rw')
  const look = (path = '') => browser.ask('GET', `${API}/integrations${path}`)
  const tryToken = (name: string) =>
    browser.ask('POST', `${API}/channels/${name}/try`, { payload: {} })
  return { built, canary, written, secret, fake, signIn, look, tryToken }
}

const OF_HELPER = [
  { name: 'plain' },
  { name: 'password', reference: 'local:bots/helper#password' },
  { name: 'gone', reference: 'local:bots/gone' },
  { name: 'whole', reference: 'local:bots/helper' }
]

test('each credential stands with its reference, and no store is asked', async (t) => {
  const { built, canary, written, fake, look } = await setUp(t)
  const answer = await look()
  t.same(answer.json(), {
    bots: [
      {
        name: 'helper',
        displayName: 'Helper',
        origin: 'file',
        provider: 'shared',
        sources: OF_HELPER
      }
    ],
    providers: [
      {
        name: 'shared',
        origin: 'file',
        type: 'azure',
        sources: [{ name: 'key', reference: 'short' }]
      }
    ],
    channels: [
      {
        name: 'web',
        bot: 'helper',
        kind: 'directline',
        endpoint: fake.url,
        trustedOrigins: ['https://www.example.com'],
        origin: 'file',
        sources: [{ name: 'secret 1', reference: 'local:line/one' }]
      }
    ]
  })
  for (const one of [canary, written]) t.same(one.findIn(answer.body), [])
  const { action, route } = (await recordsIn(built.folder)).at(-1) ?? {}
  t.same([action, route], ['admin.read', 'GET /console/api/integrations'])
})

test('whether all can be read is told by code, and on record as the look of an administrator', async (t) => {
  const { built, canary, written, look } = await setUp(t)
  const answer = await look('/bots/helper')
  const [plain, password, gone, whole] = OF_HELPER
  t.same(answer.json().sources, [
    { ...plain, resolves: true },
    { ...password, resolves: true },
    { ...gone, resolves: false, code: 'secret_not_found' },
    { ...whole, resolves: false, code: 'field_required' }
  ])
  for (const one of [canary, written]) t.same(one.findIn(answer.body), [])
  t.match((await look('/providers/shared')).json().sources, [{ name: 'key', resolves: true }])
  t.match((await look('/channels/web')).json().sources, [{ name: 'secret 1', resolves: true }])
  const records = await recordsIn(built.folder)
  t.notOk(
    records.some(({ action }) => action === 'secret.read'),
    'nobody was given anything'
  )
  const object = 'bot helper'
  const looks = records.filter((record) => record['object'] === object)
  t.match(
    looks.map(({ action, outcome, reference, code }) => [action, outcome, reference, code]).sort(),
    [
      ['admin.read', 'allowed', 'local:bots/helper#password', undefined],
      ['admin.read', 'failed', 'local:bots/gone', 'secret_not_found'],
      ['admin.read', 'failed', 'local:bots/helper', 'field_required']
    ]
  )
  t.match(
    looks,
    looks.map(() => ({ client: 'admin', sessionId: /./ }))
  )
  assertProblem(t, await look('/bots/nobody'), { code: 'invalid_request' })
})

test('a token is asked for and thrown away: the answer says that one was given, or why not', async (t) => {
  const { built, secret, fake, tryToken } = await setUp(t)
  const given = await tryToken('web')
  t.same(given.json(), { accepted: true })
  t.equal(fake.seen.length, 1)
  await built.seed('local', 'line/one', randomSecret())
  await built
    .withKey((await built.as('admin', 'rw', { scopes: ['aura-admin'] })).key)
    .ask('DELETE', '/v1/admin/cache?all=true')
  t.same((await tryToken('web')).json(), { accepted: false, code: 'directline_rejected' })
  assertProblem(t, await tryToken('nowhere'), { code: 'invalid_request' })
  const tried = (await recordsIn(built.folder)).filter(({ action }) => action === 'token.issue')
  t.match(
    tried.map(({ outcome, object, reason, code }) => [outcome, object, reason, code]),
    [
      ['allowed', 'channel web', 'tried', undefined],
      ['failed', 'channel web', 'tried', 'directline_rejected'],
      ['failed', 'channel nowhere', 'tried', 'invalid_request']
    ]
  )
  t.match(
    tried,
    tried.map(() => ({ client: 'admin', sessionId: /./ }))
  )
  t.notOk(given.body.includes(secret))
})

test('with mode r no token is tried, and with w nothing is seen', async (t) => {
  const { signIn } = await setUp(t)
  const reader = await signIn('r')
  const path = `${API}/channels/web/try`
  assertProblem(t, await reader.ask('POST', path, { payload: {} }), { code: 'insufficient_mode' })
  const writer = await signIn('w')
  assertProblem(t, await writer.ask('GET', `${API}/integrations`), { code: 'insufficient_mode' })
  t.match((await writer.ask('POST', path, { payload: {} })).json(), { accepted: true })
})
