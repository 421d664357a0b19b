// How clients share a store's quota: a lone one has all of it, and nobody can take it from the others.
import { test } from 'tap'
import { createBucket } from '../../../src/secrets/bucket.ts'

const open = (quota = { perSecond: 50, burst: 100 }) => {
  const clock = { now: 1_000_000 }
  return { clock, bucket: createBucket({ quota, replicas: () => 1, now: () => clock.now }) }
}

test('a client that is alone has the whole bucket, and all that flows into it', async (t) => {
  const { clock, bucket } = open()
  let passed = 0
  for (let ms = 0; ms < 10_000; ms += 10) {
    if (bucket.take(1, 'alice') === undefined) passed++
    clock.now += 10
  }
  t.ok(passed >= 598 && passed <= 600, `${passed}`)
})

test('one that asks for more than there is makes no first read of another fail', async (t) => {
  const { clock, bucket } = open()
  const passed = { alice: 0, bob: 0 }
  const refused = { alice: 0, bob: 0 }
  const ask = (client: 'alice' | 'bob') => {
    const seconds = bucket.take(1, client)
    if (seconds === undefined) passed[client]++
    else {
      refused[client]++
      t.ok(seconds >= 1)
    }
  }
  for (let ms = 0; ms < 20_000; ms += 10) {
    ask('alice')
    // A third of a second between them, after alice had ten seconds for herself.
    if (ms >= 10_000 && ms % 300 === 0) ask('bob')
    clock.now += 10
  }
  t.same([passed.bob, refused.bob], [33, 0])
  t.ok(
    passed.alice + passed.bob <= 100 + 20 * 50 + 12,
    'and never more than the quota and the credit'
  )
  t.ok(refused.alice > 0)
})

test('two that ask for all they can get have the same, and what is gone is forgotten', async (t) => {
  const { clock, bucket } = open()
  const passed = new Map([
    ['a', 0],
    ['b', 0]
  ])
  for (let ms = 0; ms < 20_000; ms += 10) {
    for (const client of ms % 20 === 0 ? ['a', 'b'] : ['b', 'a']) {
      if (bucket.take(1, client) === undefined) passed.set(client, (passed.get(client) ?? 0) + 1)
    }
    clock.now += 10
  }
  const [a = 0, b = 0] = passed.values()
  t.ok(Math.abs(a - b) <= 2, `${a} and ${b}`)
  t.ok(a + b >= 1_090 && a + b <= 1_112, `${a + b}`)
  clock.now += 60_000
  let alone = 0
  while (bucket.take(1, 'a') === undefined) alone++
  t.equal(alone, 100)
})

test('calls of our own are no client, and a flood of client names is bounded', async (t) => {
  const { bucket } = open({ perSecond: 1, burst: 10 })
  for (let i = 0; i < 5; i++) t.equal(bucket.take(1), undefined)
  for (let i = 0; i < 5; i++) t.equal(bucket.take(1, 'a'), undefined)
  t.equal(bucket.take(1), 1)
  for (let i = 0; i < 5_000; i++) bucket.take(1, `client ${i}`)
  t.ok(bucket.tokens() >= -1)
})
