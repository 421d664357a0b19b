// `npm run soak` in its shortest form: a store that gives one client what belongs to the other turns it red.
import { test } from 'tap'
import { isInstalled, skipWithout } from '../support/peers.ts'
import { runScript } from '../support/script.ts'

test('a soak in which a store gives a client the value of another one fails, and says which', async (t) => {
  if (skipWithout(t, await isInstalled('redis'))) return
  const short = ['--minutes', '0.1', '--seed', '7', '--only', 'store slow']
  const { code, text } = await runScript(t, 'soak.js', [...short, '--plant', 'betrayal'])
  t.equal(code, 1, text)
  t.match(text, /VIOLATION forbidden: .* discloses vault:kv\/team-/)
  t.match(text, /verdict: BROKEN/)
  t.match(text, /npm run soak -- --minutes 0\.1 --seed 7/, 'how to repeat it')
})
