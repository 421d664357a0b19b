import { test } from 'tap'
import { createKeptMap } from '../../../src/cache/kept-map.ts'

test('however many refusals there are, no value goes for them', async (t) => {
  const kept = createKeptMap<{ value?: string }>(40, ({ value }) => value !== undefined)
  for (let i = 0; i < 40; i++) kept.set(`value ${i}`, { value: 'x' })
  for (let i = 0; i < 1_000; i++) kept.set(`missing ${i}`, {})
  t.equal(kept.size(), 50)
  for (let i = 0; i < 40; i++) t.ok(kept.get(`value ${i}`), `value ${i}`)
  t.ok(kept.get('missing 999'))
  t.notOk(kept.get('missing 989'))
  kept.set('value 0', {})
  t.same(kept.get('value 0'), {}, 'it is one or the other')
  t.equal(kept.entries().filter(([key]) => key === 'value 0').length, 1)
  kept.set('value 0', { value: 'back' })
  t.same(kept.peek('value 0'), { value: 'back' })
  kept.delete('value 0')
  t.equal(kept.get('value 0'), undefined)
})
