// Keys of keys among replicas on one Redis: an id is given once, and a branch that was revoked anywhere ends everywhere.
import { randomUUID } from 'node:crypto'
import { type Test, test } from 'tap'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { openApiKey } from '../../../src/keys/api-key.ts'
import { buildTestApp, type TestApp } from '../../support/build-app.ts'
import { asAdmin, issueKey } from '../../support/keys.ts'
import { eventually, skipWithoutRedis, startRedis } from '../../support/redis.ts'

const YAML = 'stores: [{ name: local, kind: local }]\n'
const WANTED = { client: 'app', scopes: ['aura-admin'], mode: 'rw' }

const setUp = async (t: Test) => {
  const { port } = await startRedis(t)
  const encryptionKey = newEncryptionKey()
  const env = { ENCRYPTION_KEYS: encryptionKey, REDIS_URL: `redis://127.0.0.1:${port}` }
  const replicas = [
    await buildTestApp(t, { yaml: YAML, env }),
    await buildTestApp(t, { yaml: YAML, env })
  ]
  const keyring = createKeyring([encryptionKey])
  const admin = (keyId?: string) =>
    issueKey(keyring, 'admin', 'rw', { ...asAdmin, ...(keyId && { keyId }) })
  return { replicas, keyring, admin }
}

test('keys of keys on Redis', async (all) => {
  if (await skipWithoutRedis(all)) return

  await all.test('one identifier is issued once, by whichever replica', async (t) => {
    const { replicas, admin } = await setUp(t)
    const key = await admin()
    for (let round = 0; round < 5; round++) {
      const identifier = randomUUID()
      const answers = await Promise.all(
        [...replicas, ...replicas].map((replica) =>
          replica.withKey(key).ask('POST', '/v1/admin/keys', { ...WANTED, identifier })
        )
      )
      t.same(answers.map(({ statusCode }) => statusCode).sort(), [201, 409, 409, 409])
    }
  })

  await all.test(
    'whatever is issued while its branch is revoked at another replica, ends',
    async (t) => {
      const { replicas, keyring, admin } = await setUp(t)
      const [here, there] = replicas as [TestApp, TestApp]
      const [top, watcher] = [await admin(randomUUID()), await admin()]
      const keyId = (await openApiKey(keyring, top))?.keyId ?? ''
      const child = (await there.withKey(top).ask('POST', '/v1/admin/keys', WANTED)).json()
      t.equal((await there.withKey(child.apiKey).ask('GET', '/v1/whoami')).statusCode, 200)
      const attempt = (i: number) =>
        there.withKey(i % 2 ? top : child.apiKey).ask('POST', '/v1/admin/keys', WANTED)
      const answers = [await attempt(0), await attempt(1)]
      const under = Array.from({ length: 40 }, (_, i) => attempt(i))
      // The first of them is through, the others are under way.
      answers.push(...(await Promise.all(under.slice(0, 1))))
      const revoked = here.withKey(watcher).ask('DELETE', `/v1/admin/keys/${keyId}?issued=true`)
      const more = Array.from({ length: 40 }, (_, i) => attempt(i))
      answers.push(...(await Promise.all([...under.slice(1), ...more])))
      t.equal((await revoked).statusCode, 200)
      const issued = answers.filter(({ statusCode }) => statusCode === 201)
      t.ok(answers.every(({ statusCode }) => [201, 401].includes(statusCode)))
      t.ok(issued.length >= 2, `${issued.length} were issued before it was known`)
      for (const replica of replicas) {
        const keys = [top, child.apiKey, ...issued.map((answer) => answer.json().apiKey)]
        await eventually(async () => {
          const seen = await Promise.all(
            keys.map((key) => replica.withKey(key).ask('GET', '/v1/whoami'))
          )
          return seen.every(({ statusCode }) => statusCode === 401)
        })
      }
      t.equal((await there.withKey(watcher).ask('GET', '/v1/whoami')).statusCode, 200)
      const late = await there.withKey(top).ask('POST', '/v1/admin/keys', WANTED)
      t.equal(late.statusCode, 401)
    }
  )

  await all.test(
    'what the first replica found out of ancestries holds for the second',
    async (t) => {
      const { replicas, keyring, admin } = await setUp(t)
      // Both of these know; the first found an untouched state and none beside it, and said so for both.
      const issued = (
        await (replicas[1] as TestApp).withKey(await admin()).ask('POST', '/v1/admin/keys', WANTED)
      ).json()
      t.equal((await openApiKey(keyring, issued.apiKey))?.via?.length, 1)
    }
  )
})
