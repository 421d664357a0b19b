/** What is told of the trail, in whatever form, holds no value and no key. */
import { test } from 'tap'
import { canaryOf } from '../support/canary.ts'
import { randomSecret } from '../support/keys.ts'
import {
  createConfigured,
  get,
  issueKey,
  putLocal,
  runPurser,
  serve,
  startPurser
} from '../support/purser-process.ts'

test('no value and no key is in what is exported, followed or verified, whether it was read or refused', async (t) => {
  const { folder, variables } = createConfigured(t)
  const secret = randomSecret()
  await putLocal(folder, 'team/db', secret)
  const key = await issueKey(folder)
  const { url, child, ended } = await serve(t, folder)
  t.match(await (await get(`${url}/v1/secrets?ref=local:team/db`, key)).json(), { value: secret })
  t.equal((await get(`${url}/v1/secrets?ref=local:other/db`, key)).status, 403)
  t.equal((await get(`${url}/v1/secrets?ref=local:team/db`, `${key}x`)).status, 401)
  const tail = startPurser(t, folder, ['audit', 'tail', '--since', '1h', '--json'])
  await tail.says(/invalid_api_key/)
  child.kill('SIGTERM')
  await ended
  const told = [tail.output.stdout]
  for (const args of [
    ...['jsonl', 'ocsf', 'ecs'].map((format) => ['export', '--format', format]),
    ['verify', '--json'],
    ['purge', '--dry-run']
  ]) {
    const { code, stdout, stderr } = await runPurser(t, folder, ['audit', ...args])
    t.equal(code, 0, stderr)
    told.push(stdout, stderr)
  }
  t.match(told.join(''), /local:team\/db/)
  const hidden = { secret, key, internal: variables['INTERNAL_SECRET'] ?? '' }
  for (const [name, text] of Object.entries(hidden)) {
    t.same(canaryOf(text).findIn(told.join('')), [], name)
  }
})
