// Why a client may or may not read: every check with its verdict, in agreement with what a read does, and never the value.
import { type Test, test } from 'tap'
import { buildTestApp } from '../../support/build-app.ts'
import { createCanary } from '../../support/canary.ts'
import { asAdmin, issueKey } from '../../support/keys.ts'
import { assertProblem } from '../../support/problem.ts'

const YAML = `
stores:
  - { name: local, kind: local }
  - { name: aws, kind: aws-secrets-manager, region: eu-west-1, accounts: ["123456789012"], requireTags: { purser-read: "true" } }
policies:
  - { client: other, read: ['local:**'] }
  - { client: app, read: ['local:team/*#user', 'local:team/*', 'aws:team/*'] }
  - { client: guest, read: ['local:team/*'], until: 2027-01-31 }
secrets: { short: 'local:team/a#user' }
`

interface Told {
  readonly check: string
  readonly verdict: string
  readonly detail: string
}

const setUp = async (t: Test, now = Date.now) => {
  const built = await buildTestApp(t, { yaml: YAML, now })
  const { ask } = await built.as('admin', 'rw', asAdmin)
  const forClient = async (client: string, ref: string) => {
    const query = new URLSearchParams({ client, ref })
    const answer = await ask('GET', `/v1/admin/explain?${query}`)
    t.equal(answer.statusCode, 200, answer.body)
    return answer.json()
  }
  const forKey = async (key: string, ref = 'local:team/a') => {
    const answer = await ask('POST', '/v1/admin/explain', { key, ref })
    t.equal(answer.statusCode, 200, answer.body)
    t.notOk(answer.body.includes(key))
    return answer.json()
  }
  const read = async (key: string, ref: string) => (await built.withKey(key).read(ref)).statusCode
  return { built, ask, forClient, forKey, read }
}

const refusal = ({ checks }: { checks: Told[] }) =>
  checks.filter(({ verdict }) => verdict === 'refuses').map(({ check }) => check)

test('the rule and the pattern that decide are told, with tags, cache and health, and never the value', async (t) => {
  const canary = createCanary()
  const { built, forClient, read } = await setUp(t)
  await built.seed('local', 'team/a', JSON.stringify({ user: canary.token, b: 'c' }))
  const before = await forClient('app', 'short')
  t.match(before, {
    client: 'app',
    reference: 'local:team/a#user',
    allowed: true,
    checks: [
      { check: 'reference', verdict: 'passes', detail: 'local:team/a#user' },
      { check: 'store', verdict: 'passes', detail: 'local, of kind local' },
      { check: 'policy', verdict: 'passes', rule: { index: 1, pattern: 'local:team/*#user' } },
      { check: 'tags', verdict: 'passes' },
      { check: 'cache', verdict: 'open', detail: 'miss' },
      { check: 'health', verdict: 'open', detail: 'not known' }
    ]
  })
  await read(await issueKey(built.keyring, 'app'), 'short')
  const after = await forClient('app', 'local:team/a')
  t.match(after.checks[2].rule, { index: 1, pattern: 'local:team/*' })
  t.equal(after.checks[4].detail, 'fresh')
  t.same(canary.findIn(JSON.stringify([before, after])), [])
  const tagged = await forClient('app', 'aws:team/a')
  t.match(tagged.checks[3], { verdict: 'open', detail: 'the store has to say purser-read=true' })
})

test('what is refused is refused by the check that refuses the read', async (t) => {
  const { built, forClient, forKey, read } = await setUp(t)
  await built.seed('local', 'team/a', 'x')
  const refs = [
    'local:team/a',
    'local:a',
    'none:a',
    'short',
    'nobody',
    'local:../a',
    'local:team/b'
  ]
  const expected = { app: [[], ['policy'], ['reference'], [], ['reference'], ['reference'], []] }
  for (const client of ['app', 'other', 'nobody']) {
    const key = await issueKey(built.keyring, client)
    const refusals = []
    for (const ref of refs) {
      const told = await forClient(client, ref)
      const status = await read(key, ref)
      t.equal(told.allowed, status === 200 || status === 404, `${client} ${ref}: ${status}`)
      t.equal(told.allowed, refusal(told).length === 0)
      const byKey = await forKey(key, ref)
      t.equal(byKey.allowed, told.allowed)
      t.same(refusal(byKey), refusal(told))
      refusals.push(refusal(told))
    }
    if (client === 'app') t.same(refusals, expected.app)
  }
})

test('of a key each check is told, and the first that refuses it', async (t) => {
  const { built, forKey, read } = await setUp(t)
  await built.seed('local', 'team/a', 'x')
  const issue = (more: Parameters<typeof issueKey>[3] = {}, mode: 'r' | 'w' = 'r') =>
    issueKey(built.keyring, 'app', mode, more)
  const other = await buildTestApp(t, { yaml: YAML })
  const cases: [string, string | undefined][] = [
    [await issue(), undefined],
    [await issueKey(other.keyring, 'app'), 'key'],
    ['purser_dev_x', 'key'],
    [await issue({ environment: 'stg' }), 'environment'],
    [await issue({ lifetimeSeconds: 0 }), 'time'],
    [await issue({ minimumVersion: '9.0.0' }), 'version'],
    [await issue({ scopes: ['aura-services:token'] }), 'scope'],
    [await issue({}, 'w'), 'mode']
  ]
  const order = ['key', 'environment', 'time', 'revocation', 'network', 'version', 'scope', 'mode']
  for (const [key, refused] of cases) {
    const told = await forKey(key)
    const names = told.checks.map(({ check }: Told) => check)
    t.equal(told.allowed, refused === undefined)
    t.equal((await read(key, 'local:team/a')) === 200, refused === undefined, refused ?? 'a read')
    t.equal(refusal(told)[0], refused)
    if (refused === undefined) t.same(names.slice(0, order.length), order)
  }
})

test('a revoked key is told as revoked, and to explain a key is no use of it', async (t) => {
  const { built, ask, forKey } = await setUp(t)
  const keyId = '5a0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10'
  const key = await issueKey(built.keyring, 'app', 'r', { keyId })
  t.equal((await forKey(key)).keyId, keyId)
  const seen = await ask('GET', '/v1/admin/keys')
  t.notOk(seen.body.includes(keyId))
  await ask('DELETE', `/v1/admin/keys/${keyId}`)
  t.match(refusal(await forKey(key)), ['revocation'])
})

test('only administrators get an explanation, and a key is not taken from a URL', async (t) => {
  const { built, ask } = await setUp(t)
  const { key, ...app } = await built.as('app', 'rw', { scopes: ['aura-services'] })
  const url = '/v1/admin/explain?client=app&ref=local:a'
  assertProblem(t, await app.ask('GET', url), { code: 'insufficient_scope' })
  for (const query of [
    'ref=local:a',
    'client=app',
    `key=${key}&ref=local:a`,
    `${url.split('?')[1]}&key=x`
  ]) {
    const answer = await ask('GET', `/v1/admin/explain?${query}`)
    assertProblem(t, answer, { code: 'invalid_request', what: query.slice(0, 20) })
  }
})

test('when a rule ends is told, and that it has ended, as reads then find', async (t) => {
  const end = Date.parse('2027-02-01T00:00:00Z')
  const clock = { now: end - 1 }
  const { built, forClient, read } = await setUp(t, () => clock.now)
  await built.seed('local', 'team/a', 'value')
  const key = await issueKey(built.keyring, 'guest', 'r', {}, clock.now)
  const policyOf = ({ checks }: { checks: Told[] }) =>
    checks.find(({ check }) => check === 'policy')
  t.equal(await read(key, 'local:team/a'), 200)
  const before = await forClient('guest', 'local:team/a')
  t.match(policyOf(before), { verdict: 'passes', detail: /ends at 2027-02-01T00:00:00\.000Z/ })
  clock.now = end
  t.equal(await read(key, 'local:team/a'), 403, 'also what stands in the cache')
  const after = await forClient('guest', 'local:team/a')
  t.equal(after.allowed, false)
  t.match(policyOf(after), {
    verdict: 'refuses',
    detail: /no rule lets guest read it: rule 2, local:team\/\*, ended at 2027-02-01T00:00:00\.000Z/
  })
})
