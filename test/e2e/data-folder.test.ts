/** One service a data folder. */
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { test } from 'tap'
import { createConfigured, runPurser, serve } from '../support/purser-process.ts'

test('A second service on one DATA_DIR does not start and says why; commands beside the first do their work', async (t) => {
  const { folder } = createConfigured(t)
  const first = await serve(t, folder)
  const second = await runPurser(t, folder, ['serve'])
  t.equal(second.code, 1)
  t.equal(second.stdout, '')
  t.match(
    second.stderr,
    /^The service cannot start: another service works on the data folder \S+: end it, or give each its own DATA_DIR\.\n$/
  )
  const put = await runPurser(t, folder, ['store', 'put', 'local:team/x'], { input: 'y' })
  t.equal(put.code, 0, put.stderr)
  t.equal((await fetch(`${first.url}/livez`)).status, 200)

  first.child.kill('SIGKILL')
  await first.ended
  const third = await serve(t, folder)
  t.equal((await fetch(`${third.url}/livez`)).status, 200, 'a killed one leaves no hold behind')
  third.child.kill('SIGTERM')
  if (third.child.exitCode === null) await once(third.child, 'exit')
  const fourth = await serve(t, folder)
  t.equal((await fetch(`${fourth.url}/livez`)).status, 200)
})

test('A data folder that cannot be made is told with its setting, and nobody tries for ever', {
  skip: !existsSync('/proc/self') && 'no /proc here'
}, async (t) => {
  const { folder } = createConfigured(t, { variables: { DATA_DIR: '/proc/none/such' } })
  for (const command of [['serve'], ['store', 'list']]) {
    const { code, stderr } = await runPurser(t, folder, command)
    t.equal(code, 1)
    t.match(stderr, 'DATA_DIR: the folder /proc/none/such/state cannot be used')
  }
})
