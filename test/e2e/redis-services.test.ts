/** Several services on one Redis, with the command line beside them. */
import { test } from 'tap'
import { createCanary } from '../support/canary.ts'
import { createConfigured, get, issueKey, runPurser, serve } from '../support/purser-process.ts'
import { eventually, skipWithoutRedis, startRedis } from '../support/redis.ts'
import { slowness } from '../support/stopwatch.ts'

test('two services are one, with the command line beside them', async (t) => {
  if (await skipWithoutRedis(t)) return
  const password = 'the password of redis'
  const server = await startRedis(t, { password })
  const { folder } = createConfigured(t, { variables: { REDIS_URL: server.url } })
  const services = [await serve(t, folder), await serve(t, folder, { DATA_DIR: 'data-2' })]
  const other = await issueKey(folder)
  const canary = createCanary()
  const run = (args: string[], input = '') => runPurser(t, folder, args, { input })
  const key = (await run(['key', 'issue', '-e', 'dev', '-a', 'app'])).stdout.trim()
  const read = (url: string, as = key) => get(`${url}/v1/secrets?ref=local:team/db`, as)

  t.match(await run(['store', 'put', 'local:team/db'], 'first'), {
    code: 0,
    stdout: 'local:team/db?version=1\n',
    stderr: ''
  })
  for (const { url } of services) t.match(await (await read(url)).json(), { value: 'first' })
  t.match(await run(['store', 'put', 'local:team/db'], canary.token), { code: 0, stderr: '' })
  for (const { url } of services) {
    await eventually(async () => {
      const { version } = (await (await read(url)).json()) as { version: string }
      return version === '2'
    }, 1_000 * slowness())
    t.match(await (await read(url)).json(), { value: canary.token })
  }
  t.match((await run(['store', 'list'])).stdout, /^local:team\/db\t2\t/)
  t.equal((await run(['store', 'get', 'local:team/db?version=1'])).stdout, 'first\n')
  t.equal((await run(['resolve', 'local:team/db'])).stdout, `${canary.token}\n`)

  const { keyId } = JSON.parse((await run(['key', 'inspect'], other)).stdout) as { keyId: string }
  t.match(await run(['key', 'revoke', keyId]), { code: 0, stderr: '', stdout: / is revoked\n$/ })
  for (const { url } of services) {
    await eventually(async () => (await read(url, other)).status === 401, 500 * slowness())
    t.equal((await read(url)).status, 200)
  }
  t.match(await run(['key', 'revoke', keyId]), { code: 0, stdout: /was revoked before/ })
  t.match(await run(['store', 'delete', 'local:team/db']), { code: 0, stderr: '' })
  for (const { url } of services) {
    await eventually(async () => (await read(url)).status === 404, 1_000 * slowness())
  }
  for (const { output } of services) {
    t.strictSame(canary.findIn(output.stdout + output.stderr), [])
    t.notMatch(output.stdout + output.stderr, /password of redis/)
  }
})
