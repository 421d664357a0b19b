// Sealed states through the whole service: over HTTP, on record, and after a rotation of the encryption key.
import { test } from 'tap'
import { newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { recordsIn } from '../../support/audit-records.ts'
import { buildTestApp } from '../../support/build-app.ts'
import { createCanary } from '../../support/canary.ts'
import { assertProblem } from '../../support/problem.ts'

const YAML = 'stores: [{ name: local, kind: local }]\n'

test('a state is sealed and opened once, by a key with scope and mode', async (t) => {
  const canary = createCanary()
  // Sealed states end at whole seconds.
  const time = Math.floor(Date.now() / 1000) * 1000
  const service = await buildTestApp(t, { yaml: YAML, now: () => time })
  const { as, folder, logs, encryptionKey } = service
  const asState = { scopes: ['aura-services:state'] }
  const app = await as('app', 'w', asState)
  const post = (url: string, payload: object, { ask } = app) => ask('POST', url, payload)
  const data = { returnTo: '/x?y=1', verifier: canary.token, n: [1, null, { a: true }] }

  const sealed = await post('/v1/state', { data, ttlSeconds: 60, binding: 'nonce' })
  t.equal(sealed.statusCode, 200, sealed.body)
  t.equal(sealed.headers['cache-control'], 'no-store')
  const { state, expiresAt } = sealed.json()
  t.equal(Date.parse(expiresAt), time + 60_000)
  t.same(canary.findIn(sealed.body), [])

  const other = await as('other', 'w', asState)
  const refusals = [
    await post('/v1/state/open', { state, binding: 'nonce' }, other),
    await post('/v1/state/open', { state }),
    await post('/v1/state/open', { state: 'made up', binding: 'nonce' }),
    await post('/v1/state/open', { state: 'x'.repeat(30_000) })
  ]
  const opened = await post('/v1/state/open', { state, binding: 'nonce' })
  t.equal(opened.statusCode, 200, opened.body)
  t.strictSame(opened.json(), { data })
  refusals.push(await post('/v1/state/open', { state, binding: 'nonce' }))
  const bodies = refusals.map((answer) => {
    assertProblem(t, answer, { code: 'invalid_request', canary })
    return answer.body.replace(/urn:purser:request:[0-9a-f-]+/, '')
  })
  t.equal(new Set(bodies).size, 1, 'one and the same refusal')

  const { state: unbound } = (await post('/v1/state', { data: null })).json()
  t.strictSame((await post('/v1/state/open', { state: unbound })).json(), { data: null })

  for (const [url, payload, code] of [
    ['/v1/state', {}, 'invalid_request'],
    ['/v1/state', { data: 1, ttlSeconds: 601 }, 'invalid_request'],
    ['/v1/state', { data: 1, ttlSeconds: 0 }, 'invalid_request'],
    ['/v1/state', { data: 1, client: 'other' }, 'invalid_request'],
    ['/v1/state', { data: 'x'.repeat(4095) }, 'payload_too_large'],
    ['/v1/state/open', {}, 'invalid_request']
  ] as const) {
    assertProblem(t, await post(url, payload), { code, what: JSON.stringify(payload).slice(0, 60) })
  }
  for (const url of ['/v1/state', '/v1/state/open']) {
    const reader = await as('app', 'r', asState)
    assertProblem(t, await post(url, { data: 1, state: '' }, reader), { code: 'insufficient_mode' })
    const secrets = await as('app', 'w')
    assertProblem(t, await post(url, {}, secrets), { code: 'insufficient_scope' })
  }

  const records = await recordsIn(folder)
  t.same(
    records
      .filter(({ action }) => action === 'state.open')
      .map(({ outcome, reason }) => reason ?? outcome),
    ['other_client', 'other_binding', 'unreadable', 'unreadable', 'allowed', 'used', 'allowed']
  )
  t.same(canary.findIn(JSON.stringify(records) + logs.join('')), [])
  t.notOk(JSON.stringify(records).includes(state.slice(-22)))

  const { state: before } = (await post('/v1/state', { data: 'before the rotation' })).json()
  await service.reload({ env: { ENCRYPTION_KEYS: `${encryptionKey},${newEncryptionKey()}` } })
  const after = await post('/v1/state/open', { state: before })
  t.strictSame(after.json(), { data: 'before the rotation' })
})
