// `npm run bench` in its shortest form: the cases with peers, and the streams. What it measures is no matter here.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'
import { isInstalled, skipWithout } from '../support/peers.ts'

const SCRIPT = fileURLToPath(new URL('../../scripts/bench/bench.js', import.meta.url))

test('the bench measures its cases with peers, and tells open streams', async (t) => {
  if (skipWithout(t, await isInstalled('redis'))) return
  const cases = ['Redis', 'Direct Line', 'event to'].flatMap((name) => ['--case', name])
  const short = ['--rounds', '1', '--seconds', '0.1', '--connections', '4']
  const child = spawn('env', ['-u', 'NODE_OPTIONS', process.execPath, SCRIPT, ...cases, ...short])
  t.teardown(() => child.kill())
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
  }
  const [code] = await once(child, 'close')
  t.equal(code, 0, text)
  const rows = text.split('\n').filter((line) => /^\| (?!case|---)/.test(line))
  t.match(rows, [/^\| from the shared tier/, /^\| Direct Line token/, /^\| event to 1,000/], text)
  for (const row of rows) t.notMatch(row, /NaN|undefined|Infinity/)
})
