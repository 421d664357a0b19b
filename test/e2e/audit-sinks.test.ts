/** AUDIT_SINKS in the built service: the same lines on standard output, and nothing disclosed where a required sink is gone. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import {
  createConfigured,
  get,
  issueKey,
  putLocal,
  readinessOf,
  runPurser,
  serve
} from '../support/purser-process.ts'
import { trailLines, wrongInChain } from '../support/trail-lines.ts'

const READ = '/v1/secrets?ref=local:team/db'

const start = async (t: Test, variables: Record<string, string>) => {
  const { folder } = createConfigured(t, { variables })
  await putLocal(folder, 'team/db', 'the value')
  const key = await issueKey(folder)
  return { folder, key, ...(await serve(t, folder)) }
}

test('standard output has the same chain as the file, each line whole among those of the log', async (t) => {
  const { folder, key, url, child, output, ended } = await start(t, {
    AUDIT_SINKS: 'file!, stdout!',
    LOG_LEVEL: 'debug'
  })
  await Promise.all(Array.from({ length: 50 }, () => get(`${url}${READ}`, key)))
  child.kill()
  await ended
  const lines = output.stdout.split('\n').filter((line) => line !== '')
  const ours = lines.filter((line) => 'digest' in JSON.parse(line))
  t.ok(lines.length > ours.length, 'the log stands between')
  const audit = join(folder, 'data', 'audit')
  const file = readdirSync(audit)
    .sort()
    .map((name) => readFileSync(join(audit, name), 'utf8'))
    .join('')
  t.equal(`${ours.join('\n')}\n`, file)
  t.equal(wrongInChain(file), undefined)
  t.equal(trailLines(file).filter(({ action }) => action === 'secret.read').length, 50)
  t.match(await runPurser(t, folder, ['audit', 'verify']), { code: 0 })
})

test('nothing is disclosed once nobody takes what is required of standard output, and readiness says so', async (t) => {
  const { key, url, child } = await start(t, {
    AUDIT_SINKS: 'file!,stdout!'
  })
  t.equal((await get(`${url}${READ}`, key)).status, 200)
  child.stdout?.destroy()
  const refused = await get(`${url}${READ}`, key)
  t.equal(refused.status, 503)
  t.match(await refused.json(), { code: 'audit_unavailable' })
  t.equal((await fetch(`${url}/readyz`)).status, 503)
})

test('an optional sink that fails degrades readiness by its name, and reads go on', async (t) => {
  const { folder, key, url } = await start(t, { AUDIT_SINKS: 'file,stdout!' })
  const audit = join(folder, 'data', 'audit')
  rmSync(audit, { recursive: true, force: true })
  writeFileSync(audit, 'in the way')
  t.equal((await get(`${url}${READ}`, key)).status, 200)
  // What holds nobody up is written a moment later.
  const becomes = async (wanted: string) => {
    let said = await readinessOf(url)
    for (let i = 0; i < 1_000 && said.status !== wanted; i++) said = await readinessOf(url)
    return said
  }
  t.match(await becomes('degraded'), { status: 'degraded', reason: 'audit_file_failing' })
  t.equal((await get(`${url}${READ}`, key)).status, 200)
  rmSync(audit)
  mkdirSync(audit)
  t.equal((await get(`${url}${READ}`, key)).status, 200)
  t.match(await becomes('ok'), { status: 'ok' })
})
