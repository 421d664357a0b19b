// `npm run bench` in its shortest form: the cases with peers, and the streams. What it measures is no matter here.
import { test } from 'tap'
import { isInstalled, skipWithout } from '../support/peers.ts'
import { runScript } from '../support/script.ts'

test('the bench measures its cases with peers, and tells open streams', async (t) => {
  if (skipWithout(t, await isInstalled('redis'))) return
  const cases = ['Redis', 'Direct Line', 'event to'].flatMap((name) => ['--case', name])
  const short = ['--rounds', '1', '--seconds', '1', '--connections', '4']
  const { code, text } = await runScript(t, 'bench/bench.js', [...cases, ...short])
  t.equal(code, 0, text)
  const rows = text.split('\n').filter((line) => /^\| (?!case|---)/.test(line))
  t.match(rows, [/^\| from the shared tier/, /^\| Direct Line token/, /^\| event to 1,000/], text)
  for (const row of rows) t.notMatch(row, /NaN|undefined|Infinity/)
})
