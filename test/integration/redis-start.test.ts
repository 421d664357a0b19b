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
