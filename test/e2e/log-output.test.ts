/** The built service with a standard output that nobody reads. Rule: neither its answers nor its end wait for a reader. */
import { setTimeout as sleep } from 'node:timers/promises'
import tap, { type Test, test } from 'tap'
import { createConfigured, get, issueKey, putLocal, serve } from '../support/purser-process.ts'

tap.jobs = 2

const READ = '/v1/secrets?ref=local:team/db'
/** Of some 300 bytes each: more than the socket between two processes holds. */
const REQUESTS = 1_000
const PATIENCE = { timeout: 180_000, buffered: true }

const serveUnread = async (t: Test, variables: Record<string, string> = {}) => {
  const { folder } = createConfigured(t, {
    variables: { LOG_LEVEL: 'debug', RATE_LIMIT_ENABLED: 'false', ...variables }
  })
  await putLocal(folder, 'team/db', 'the value')
  const key = await issueKey(folder)
  const running = await serve(t, folder)
  running.child.stdout?.pause()
  const ask = async (): Promise<number> => (await get(`${running.url}${READ}`, key)).status
  const askMany = async (): Promise<void> => {
    let served = 0
    const one = async (): Promise<void> => {
      for (let i = 0; i < REQUESTS / 10; i++) if ((await ask()) === 200) served++
    }
    await Promise.all(Array.from({ length: 10 }, one))
    t.equal(served, REQUESTS)
  }
  const exited = new Promise<number | null>((resolve) => running.child.once('exit', resolve))
  /** Within the bound that a process has to end, and a little. */
  const ends = () => Promise.race([exited, sleep(60_000, 'never', { ref: false })])
  return { ...running, ask, askMany, ends }
}

test(
  'a service whose log nobody reads answers as before, and ends when it is told to',
  PATIENCE,
  async (t) => {
    const { child, askMany, ends } = await serveUnread(t)
    await askMany()
    child.kill('SIGTERM')
    t.equal(await ends(), 0)
  }
)

test('once it is read again each line is there and whole', PATIENCE, async (t) => {
  const { child, output, askMany } = await serveUnread(t)
  await askMany()
  child.stdout?.resume()
  const told = (): number => output.stdout.split('"msg":"request"').length - 1
  const until = performance.now() + 60_000
  while (told() < REQUESTS && performance.now() < until) await sleep(50)
  const lines = output.stdout.split('\n').slice(0, -1)
  t.equal(lines.filter((line) => JSON.parse(line).msg === 'request').length, REQUESTS)
})

test(
  'where the trail is required on standard output, nothing is disclosed while nobody reads it, and the service ends all the same',
  PATIENCE,
  async (t) => {
    const { child, ask, ends } = await serveUnread(t, { AUDIT_SINKS: 'file,stdout!' })
    let status = 200
    for (let i = 0; i < REQUESTS && status === 200; i++) status = await ask()
    t.equal(status, 503)
    child.kill('SIGTERM')
    t.not(await ends(), 'never')
  }
)
