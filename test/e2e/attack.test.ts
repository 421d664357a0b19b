/** The short form of `npm run attack`: what a few seconds of it may not break. Times are for a machine with nothing else to do. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'
import { runScript } from '../support/script.ts'

const ATTACKER = fileURLToPath(new URL('../../scripts/attack/attacker.js', import.meta.url))

test('an attacker whose parent has gone leaves too', async (t) => {
  const child = fork(ATTACKER)
  t.teardown(() => child.kill('SIGKILL'))
  await once(child, 'spawn')
  child.disconnect()
  t.strictSame(await once(child, 'exit'), [0, null])
})

test('an attack on its connections takes nothing of the service that does not come back, and nobody else goes without', async (t) => {
  const args = ['--seconds', '10', '--without-latency']
  const { code, text } = await runScript(t, 'attack-connections.js', args)
  t.equal(code, 0, text)
  t.match(text, /verdict: all bounds held/)
})
