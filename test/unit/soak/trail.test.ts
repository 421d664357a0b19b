// What the soak calls unrecorded: an answer whose request id, or one of whose secrets, stands in no record.
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { followTrail } from '../../../scripts/soak/trail.ts'
import { createDirectory } from '../../support/embedded.ts'

const lineOf = (requestId: string, reference: string, outcome = 'allowed'): string =>
  `${JSON.stringify({ time: 'now', action: 'secret.read', outcome, requestId, reference })}\n`

test('an answer is recorded once each of its secrets is, by its request id', async (t) => {
  const folder = createDirectory(t)
  const file = join(folder, '2026-01-01.jsonl')
  writeFileSync(
    file,
    lineOf('one', 'aws:a#x') + lineOf('two', 'aws:a') + lineOf('three', 'aws:a', 'denied')
  )
  const trail = followTrail(folder)
  for (const id of ['one', 'two', 'three', 'four', 'five']) trail.sent(id)
  trail.owes('one', ['aws:a'])
  trail.owes('two', ['aws:a', 'aws:b'])
  trail.owes('three', ['aws:a'])
  trail.owes('four', [])
  trail.dropped('five')
  let found = 0
  const missing: string[] = []
  await trail.look(
    () => found++,
    (what) => void missing.push(what)
  )
  t.equal(found, 1)
  t.strictSame(missing, ['two aws:a aws:b', 'three aws:a', 'four '])
})

test('a line that comes before its answer, in parts, or in another file is found too', async (t) => {
  const folder = join(createDirectory(t), 'audit')
  mkdirSync(folder)
  const [first, second] = [join(folder, '2026-01-01.jsonl'), join(folder, '2026-01-02.jsonl')]
  const trail = followTrail(folder)
  const missing: string[] = []
  let found = 0
  const look = () =>
    trail.look(
      () => found++,
      (what) => void missing.push(what)
    )
  trail.sent('one')
  trail.sent('two')
  const line = lineOf('two', 'aws:b?version=1')
  writeFileSync(first, lineOf('one', 'aws:a') + line.slice(0, 20))
  await look()
  trail.owes('one', ['aws:a'])
  appendFileSync(first, line.slice(20))
  await look()
  trail.owes('two', ['aws:b'])
  trail.sent('three')
  writeFileSync(second, lineOf('three', 'aws:c'))
  trail.owes('three', ['aws:c'])
  await look()
  t.equal(found, 3)
  t.strictSame(missing, [])
})
