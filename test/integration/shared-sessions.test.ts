/** Sessions of several replicas on one Redis: what one opens, all take; what one ends, all refuse. */
import { type Test, test } from 'tap'
import { newEncryptionKey } from '../../src/crypto/keyring.ts'
import { openBrowser } from '../support/administrator.ts'
import { buildTestApp } from '../support/build-app.ts'
import { randomSecret } from '../support/keys.ts'
import { assertProblem } from '../support/problem.ts'
import { eventually, skipWithoutRedis, startRedis } from '../support/redis.ts'

const YAML = 'stores: [{ name: local, kind: local }]\npolicies: []'

/** Two replicas on one Redis. */
const openTwo = async (t: Test, more: Readonly<Record<string, string>> = {}) => {
  const { port, cli } = await startRedis(t)
  const env = {
    ENCRYPTION_KEYS: newEncryptionKey(),
    JWT_SECRET: randomSecret(),
    REDIS_URL: `redis://127.0.0.1:${port}`,
    ...more
  }
  const one = await buildTestApp(t, { yaml: YAML, env })
  const two = await buildTestApp(t, { yaml: YAML, env })
  return { one, two, env, cli }
}

test('sessions through Redis', async (all) => {
  if (await skipWithoutRedis(all)) return

  await all.test('a session counts at all replicas until one of them ends it', async (t) => {
    const { one, two, env } = await openTwo(t)
    const { key } = await one.as('admin', 'rw', { scopes: ['aura-admin'] })
    const browser = openBrowser(one)
    t.equal((await browser.signIn(key)).statusCode, 201)
    const elsewhere = openBrowser(two)
    for (const [name, value] of browser.cookies) elsewhere.cookies.set(name, value)
    t.equal((await elsewhere.ask('GET', '/v1/sessions')).statusCode, 200)
    t.equal((await browser.ask('DELETE', '/v1/sessions')).statusCode, 200)
    await eventually(async () => (await elsewhere.ask('GET', '/v1/sessions')).statusCode === 401)
    assertProblem(t, await elsewhere.ask('GET', '/v1/sessions'), { code: 'session_expired' })
    const later = openBrowser(await buildTestApp(t, { yaml: YAML, env }))
    for (const [name, value] of elsewhere.cookies) later.cookies.set(name, value)
    assertProblem(t, await later.ask('GET', '/v1/sessions'), {
      code: 'session_expired',
      what: 'a replica that starts later'
    })
  })

  await all.test(
    'signing in once more at one replica ends the tokens of before at all',
    async (t) => {
      const { one, two } = await openTwo(t, { CONSOLE_ENABLED: 'true', HOST: '0.0.0.0' })
      const { key: apiKey } = await one.as('admin', 'rw', { scopes: ['aura-admin'] })
      const browser = openBrowser(one)
      await browser.signIn(apiKey)
      const copy = openBrowser(two)
      for (const [name, value] of browser.cookies) copy.cookies.set(name, value)
      t.equal((await copy.ask('GET', '/v1/sessions')).statusCode, 200)
      const again = await browser.ask('POST', '/console/api/step-up', { payload: { apiKey } })
      t.equal(again.statusCode, 200)
      await eventually(async () => (await copy.ask('GET', '/v1/sessions')).statusCode === 401)
      for (const [name, value] of browser.cookies) copy.cookies.set(name, value)
      t.equal((await copy.ask('GET', '/v1/sessions')).statusCode, 200, 'the new one counts there')
    }
  )

  await all.test(
    'each replica lists the sessions of all, and ends one that another opened; what stands in Redis is sealed',
    async (t) => {
      const { one, two, cli } = await openTwo(t)
      const { key } = await one.as('a-client-of-admins', 'rw', { scopes: ['aura-admin'] })
      const browser = openBrowser(one)
      const { sessionId } = (await browser.signIn(key, { address: '10.9.8.7' })).json()
      const { ask } = two.withKey(key)
      t.match((await ask('GET', '/v1/admin/sessions')).json(), {
        sessions: [{ sessionId, own: true, current: false, address: '10.9.8.7' }]
      })
      const names = cli('hkeys', 'purser:{state:sessions}:values')
      t.match(names, sessionId)
      const kept = names + cli('hvals', 'purser:{state:sessions}:values')
      t.notMatch(kept, /a-client-of-admins|10\.9\.8\.7/)
      t.same((await ask('DELETE', '/v1/admin/sessions?own=true')).json(), { ended: [sessionId] })
      await eventually(async () => (await browser.ask('GET', '/v1/sessions')).statusCode === 401)
      t.same((await one.withKey(key).ask('GET', '/v1/admin/sessions')).json(), { sessions: [] })
      t.equal(cli('hkeys', 'purser:{state:sessions}:values').trim(), '')
    }
  )
})
