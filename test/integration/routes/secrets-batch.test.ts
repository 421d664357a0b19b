// Many secrets at once: each reference has a result of its own, and the request has one answer.
import { test } from 'tap'
import { buildTestApp } from '../../support/build-app.ts'
import { createCanary } from '../../support/canary.ts'
import { assertProblem, assertSafeHeaders } from '../../support/problem.ts'

const YAML = `
stores:
  - { name: local, kind: local }
  - name: vault
    kind: vault
    address: http://127.0.0.1:1
    mounts: [{ path: kv, version: 2 }]
    auth: { method: token, token: { env: NO_SUCH_TOKEN } }
policies: [{ client: app, read: ['local:**', 'vault:**'] }]
secrets: { short: 'local:app/two#second' }
`
const q = encodeURIComponent

const start = async (t: Parameters<typeof buildTestApp>[0]) => {
  const built = await buildTestApp(t, { yaml: YAML })
  await built.seed('local', 'app/text', 'plain text')
  await built.seed('local', 'app/two', '{"first":"1","second":{"deep":[true]}}')
  return built
}

test('a batch answers in the order asked, each reference for itself', async (t) => {
  const built = await start(t)
  const { ask } = await built.as('app', 'rw')
  const canary = createCanary()
  const refs = [
    'local:none',
    'local:app/text',
    'other:one',
    'local:app/two#none',
    'vault:kv/one',
    'local:app/two',
    'local:../x',
    'short',
    'local:app/text',
    `local:${q(canary.token)}`
  ]
  const statuses = [404, 200, 403, 404, 502, 200, 400, 200, 200, 400]
  const posted = await ask('POST', '/v1/secrets/batch', { refs })
  const query = refs.map((ref) => `ref=${q(ref)}`).join('&')
  const got = await ask('GET', `/v1/secrets/batch?${query}`)
  for (const answer of [posted, got]) {
    t.equal(answer.statusCode, 200)
    assertSafeHeaders(t, answer)
    const { results } = answer.json() as { results: Record<string, unknown>[] }
    t.same(
      results.map(({ ref }) => ref),
      refs
    )
    t.same(
      results.map(({ status }) => status),
      statuses
    )
    for (const { status, problem, ref: _ref, ...members } of results) {
      t.equal(problem !== undefined, status !== 200)
      if (status === 200) continue
      t.same(members, {}, 'a failure has nothing of a secret')
      const instance = `urn:purser:request:${answer.headers['x-request-id']}`
      t.match(problem, { status, instance, type: /^urn:purser:problem:\w+$/ })
      t.same(canary.findIn(JSON.stringify(problem)), [])
    }
    t.equal(results[1]?.['value'], 'plain text')
    t.match(results[5]?.['data'], { first: '1', second: { deep: [true] } })
    t.equal(results[7]?.['value'], '{"deep":[true]}')
  }
})

test('a batch takes a hundred references, and neither none nor one more', async (t) => {
  const built = await start(t)
  const { ask } = await built.as('app', 'rw')
  const refsOf = (n: number) => Array(n).fill('local:app/text')
  const post = (n: number) => ask('POST', '/v1/secrets/batch', { refs: refsOf(n) })
  const get = (n: number) =>
    ask(
      'GET',
      `/v1/secrets/batch?${refsOf(n)
        .map((ref) => `ref=${ref}`)
        .join('&')}`
    )
  for (const some of [post, get]) {
    for (const n of [1, 100]) {
      const answer = await some(n)
      t.equal(answer.statusCode, 200, `${n}`)
      t.equal(answer.json().results.length, n)
    }
    for (const n of [0, 101]) assertProblem(t, await some(n), { code: 'invalid_request' })
  }
  const longest = `local:${'a'.repeat(1_024)}`
  const long = await ask('POST', '/v1/secrets/batch', {
    refs: [longest, `local:${'a'.repeat(1_025)}`]
  })
  t.same(
    long.json().results.map(({ status }: { status: number }) => status),
    [404, 400]
  )
})
