/** A service whose Redis comes and goes, and what the command line says meanwhile. */
import { test } from 'tap'
import { createDirectory } from '../support/embedded.ts'
import { createConfigured, get, runPurser, serve } from '../support/purser-process.ts'
import { eventually, skipWithoutRedis, startRedis } from '../support/redis.ts'
import { closedPort } from '../support/wire.ts'

const statusOf = async (url: string): Promise<string> => {
  const answer = await fetch(`${url}/readyz`)
  const { status } = (await answer.json()) as { status: string | number }
  return String(status)
}

test('Redis comes and goes: degraded, never unavailable, in force again', async (t) => {
  if (await skipWithoutRedis(t)) return
  const port = await closedPort()
  const url = `redis://127.0.0.1:${port}`
  const { folder } = createConfigured(t, { variables: { REDIS_URL: url } })
  const service = await serve(t, folder)
  t.equal(await statusOf(service.url), 'degraded')
  const key = (await runPurser(t, folder, ['key', 'issue', '-e', 'dev'])).stdout.trim()
  t.equal((await get(`${service.url}/v1/whoami`, key)).status, 200)
  for (const args of [
    ['store', 'list'],
    ['store', 'put', 'local:team/db'],
    ['store', 'rewrap'],
    ['key', 'revoke', '7d3c2e0e-7a5b-4d0f-9a0e-0f6c1b8f2a11']
  ]) {
    const { code, stderr } = await runPurser(t, folder, args, { input: 'x' })
    t.equal(code, 1)
    t.equal(stderr, 'the state in Redis does not answer (ECONNREFUSED).\n', args.join(' '))
  }
  const env = { REDIS_URL: url }
  t.match(await runPurser(t, createDirectory(t), ['quickstart'], { env }), {
    code: 1,
    stderr: /the state in Redis does not answer \(ECONNREFUSED\)\.\n$/
  })
  const server = await startRedis(t, { port })
  await eventually(async () => (await statusOf(service.url)) === 'ok')
  await server.kill()
  await eventually(async () => (await statusOf(service.url)) === 'degraded')
  t.equal((await get(`${service.url}/v1/whoami`, key)).status, 200)
  await server.start()
  await eventually(async () => (await statusOf(service.url)) === 'ok')
  service.child.kill('SIGTERM')
  t.match(await service.ended, { code: 0 })
})
