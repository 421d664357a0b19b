import { test } from 'tap'
import { createHeard } from '../../../src/cache/heard.ts'

/** Known from the first look on, with so many counted. */
const knowing = (count: number) => {
  const heard = createHeard()
  heard.isMissing(count, heard.upTo(), false)
  const look = (count: number, isDoubtful = false, before = heard.upTo()) =>
    heard.isMissing(count, before, isDoubtful)
  return { ...heard, look }
}

test('at the first look whatever was counted may have been missed', async (t) => {
  t.notOk(createHeard().isMissing(0, undefined, true))
  t.ok(createHeard().isMissing(3, undefined, false))
  const { look } = knowing(3)
  t.notOk(look(3))
})

test('what is under way at one look and heard at the next was not missed, in any order', async (t) => {
  const { hear, look, isSuspicious } = knowing(3)
  t.notOk(look(5))
  t.ok(isSuspicious())
  hear(5)
  hear(4)
  hear(7)
  t.notOk(look(7), 'now 6 is under way')
  hear(6)
  t.notOk(look(7))
  t.notOk(isSuspicious())
})

test('what is not heard by the next look was missed, however much else was heard since', async (t) => {
  const { hear, look } = knowing(3)
  t.notOk(look(4))
  for (let number = 5; number < 50; number++) hear(number)
  t.ok(look(49))
  t.notOk(look(49), 'once')
  hear(50)
  hear(4)
  t.notOk(look(50))
})

test('a count below what was heard before it was asked for is a loss; one below what came meanwhile is not', async (t) => {
  const { hear, look, upTo } = knowing(3)
  const before = upTo()
  hear(4)
  t.notOk(look(3, false, before))
  t.ok(look(3))
  t.ok(look(0))
})

test('after a time without messages a difference is believed at once', async (t) => {
  const { look } = knowing(3)
  t.notOk(look(3, true))
  t.ok(look(4, true))
})

test('messages without numbers count one by one', async (t) => {
  const { hear, look } = knowing(3)
  hear(undefined)
  hear(undefined)
  t.notOk(look(5))
  t.notOk(look(5))
  t.notOk(look(6))
  t.ok(look(6))
})

test('numbers that somebody makes up take a bounded room, and cost a fetch', async (t) => {
  const { hear, look, upTo } = knowing(3)
  for (let number = 10; number < 200_000; number += 2) hear(number)
  t.equal(upTo(), undefined)
  t.ok(look(3))
  t.notOk(look(3))
})
