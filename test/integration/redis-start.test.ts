/** A service that cannot start, with a Redis around it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { buildTestApp } from '../support/build-app.ts'
import { createDirectory } from '../support/embedded.ts'
import { eventually, skipWithoutRedis, startRedis } from '../support/redis.ts'

test('a start that fails half way leaves nothing of itself behind', async (t) => {
  if (await skipWithoutRedis(t)) return
  const { url, cli } = await startRedis(t)
  const file = join(createDirectory(t), 'tls.pem')
  writeFileSync(file, 'no certificate')
  const env = { REDIS_URL: url, TLS_CERT_FILE: file, TLS_KEY_FILE: file }
  const yaml = 'stores: [{ name: local, kind: local }]\n'
  await t.rejects(buildTestApp(t, { yaml, env }))
  // The one that asks.
  const connections = (): number => cli('client', 'list').split('\n').length
  await eventually(() => connections() === 1)
  t.equal(connections(), 1)
})

test('who cannot ask for revocations for too long is not ready, and is again once it can', async (t) => {
  if (await skipWithoutRedis(t)) return
  const redis = await startRedis(t)
  const yaml = 'stores: [{ name: local, kind: local }]\n'
  const build = (more: Record<string, string>) =>
    buildTestApp(t, { yaml, env: { REDIS_URL: redis.url, ...more } })
  const [strict, lenient] = [await build({ REVOCATION_BLIND_SECONDS: '5' }), await build({})]
  const readiness = async ({ app }: typeof strict) => {
    const answer = await app.server.inject('/readyz')
    return `${answer.statusCode} ${answer.json().code ?? answer.json().status}`
  }
  await eventually(async () => (await readiness(strict)) === '200 ok')
  await redis.kill()
  await eventually(async () => (await readiness(strict)) === '200 degraded')
  await eventually(async () => (await readiness(strict)) === '503 store_unavailable')
  t.equal(await readiness(lenient), '200 degraded', 'without the setting it goes on')
  await redis.start()
  await eventually(async () => (await readiness(strict)) === '200 ok')
  const said = strict.logs.filter((line) => /revocations of other replicas can/.test(line))
  t.equal(said.length >= 2, true, 'the log tells when that begins and ends')
})
