/** What replicas share through Redis: on one server, on a cluster and under Sentinel, the same. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { createRedisShared } from '../../src/state/redis-shared.ts'
import { openShared, PATIENT, timed } from '../support/open-shared.ts'
import {
  eventually,
  type RedisGroup,
  type RedisServer,
  skipWithoutRedis,
  startCluster,
  startRedis,
  startSentinels
} from '../support/redis.ts'

const bytes = (text: string): Buffer => Buffer.from(text)

const startOne = async (t: Test): Promise<RedisGroup> => {
  const server = await startRedis(t)
  return { ...server, servers: [server] }
}

const kinds: Readonly<Record<string, (t: Test) => Promise<RedisGroup>>> = {
  'one server': startOne,
  Cluster: startCluster,
  Sentinel: startSentinels
}

const ttlsOf = ({ cli }: RedisServer): string[] =>
  cli('--scan')
    .split('\n')
    .filter((key) => key !== '' && cli('pttl', key) === '-1')

test('what is shared through Redis', async (all) => {
  if (await skipWithoutRedis(all)) return
  for (const [name, start] of Object.entries(kinds)) {
    await all.test(name, async (suite) => {
      const { address, servers } = await start(suite)
      const first = openShared(suite, address, PATIENT)
      const second = openShared(suite, address, PATIENT)
      await Promise.all([first.whole(), second.whole()])
      const [a, b] = [first.shared, second.shared]

      await suite.test('what somebody else put there is none, and is replaced', async (t) => {
        servers[0]?.cli('-c', 'rpush', 'purser:foreign', 'x')
        t.strictSame(await a.getMany(['foreign', 'foreign:none']), [undefined, undefined])
        await a.put('foreign', bytes('ours'), 60_000)
        t.strictSame(await b.getMany(['foreign']), [bytes('ours')])
        await a.remove('foreign')
        for (const value of ['text', '', '9223372036854775807', '1.5']) {
          servers[0]?.cli('-c', 'set', 'purser:foreign', value)
          t.strictSame(await a.add([{ key: 'foreign', by: 2, ttlMs: 60_000 }]), [2], value)
          t.strictSame(await b.add([{ key: 'foreign', by: 2, ttlMs: 60_000 }]), [4], value)
        }
        await a.remove('foreign')
      })

      await suite.test('bytes come back in the order of their keys, for their time', async (t) => {
        const value = Buffer.of(0, 255, 10, 128)
        await a.put('get:1', value, 60_000)
        await a.put('get:2', Buffer.alloc(0), 60_000)
        await a.put('get:3', bytes('short'), 40)
        t.strictSame(await b.getMany(['get:2', 'none', 'get:1']), [
          Buffer.alloc(0),
          undefined,
          value
        ])
        t.strictSame(await b.getMany([]), [])
        await eventually(async () => (await b.getMany(['get:3']))[0] === undefined)
        await a.put('get:1', bytes('new'), 60_000)
        t.strictSame(await b.getMany(['get:1']), [bytes('new')])
        await a.remove('get:1')
        t.strictSame(await b.getMany(['get:1']), [undefined])
        await a.remove('get:1')
      })

      await suite.test('counters are added to from both sides, none is lost', async (t) => {
        const counters = [
          { key: 'n:1', by: 2, ttlMs: 60_000 },
          { key: 'n:2', by: 5, ttlMs: 60_000 }
        ]
        t.strictSame(await a.add(counters), [2, 5])
        await Promise.all(
          Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? a : b).add(counters))
        )
        t.strictSame(await b.add(counters), [2 * 102, 5 * 102])
        t.strictSame(await a.add([{ key: 'n:1', by: -3, ttlMs: 20 }]), [201])
        await eventually(async () => (await a.getMany(['n:1']))[0] === undefined)
        t.strictSame(await a.add([]), [])
      })

      await suite.test('a lease has one owner, who alone renews and releases it', async (t) => {
        const got = await Promise.all(
          Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? a : b).acquire('l', `${i}`, 60_000))
        )
        t.equal(got.filter(Boolean).length, 1)
        const owner = String(got.indexOf(true))
        t.equal(await b.renew('l', 'other', 60_000), false)
        await b.release('l', 'other')
        t.equal(await b.acquire('l', 'other', 60_000), false)
        t.equal(await a.renew('l', owner, 60_000), true)
        await a.release('l', owner)
        t.equal(await a.renew('l', owner, 60_000), false)
        t.equal(await b.acquire('l', 'other', 30), true)
        await eventually(() => a.acquire('l', 'third', 60_000))
      })

      await suite.test('messages reach every replica, by topic, this one too', async (t) => {
        const heard: string[] = []
        a.onMessage('topic', (message) => void heard.push(`a ${message}`))
        b.onMessage('topic', (message) => void heard.push(`b ${message}`))
        b.onMessage('topic', (message) => void heard.push(`b too ${message}`))
        b.onMessage('other', (message) => void heard.push(`other ${message}`))
        await a.publish('topic', 'with\nlines and é')
        await eventually(() => heard.length === 3)
        await b.publish('nobody', 'x')
        await b.publish('other', '')
        await eventually(() => heard.length === 4)
        t.strictSame(heard.sort(), [
          'a with\nlines and é',
          'b too with\nlines and é',
          'b with\nlines and é',
          'other '
        ])
      })

      await suite.test('whoever asks late is told as well that messages arrive', async (t) => {
        await new Promise<void>((resolve) => a.onReconnect(resolve))
        t.equal(first.reconnects(), 1)
      })

      await suite.test('no key stays for ever', async (t) => {
        for (const server of servers) t.strictSame(ttlsOf(server), [])
      })

      await suite.test('closed, it answers nothing, and may be closed again', async (t) => {
        await b.close()
        await b.close()
        t.equal(b.isUp(), false)
        t.equal((await timed(b.getMany(['x']))).outcome, 'unavailable')
        await sleep(50)
        t.equal(second.logs.length, 1, 'closing is no outage')
      })
    })
  }
})

test('what is asked in one turn of the event loop goes out together', async (t) => {
  if (await skipWithoutRedis(t)) return
  const server = await startRedis(t)
  const { shared, whole } = openShared(t, server.address, PATIENT)
  await whole()
  const reads = (): number =>
    Number(/total_reads_processed:(\d+)/.exec(server.cli('info', 'stats'))?.[1])
  const before = reads()
  await Promise.all(Array.from({ length: 100 }, (_, i) => shared.put(`k${i}`, bytes('x'), 1_000)))
  // The probe, the heartbeat and redis-cli itself read too.
  t.ok(reads() - before < 20, `${reads() - before} reads for 100 commands`)
})

test('a listener hears nothing before the start, and what one throws reaches neither the others nor the process', async (t) => {
  if (await skipWithoutRedis(t)) return
  const server = await startRedis(t)
  const logs: string[] = []
  const log = (level: string, message: string): void => void logs.push(`${level} ${message}`)
  const shared = createRedisShared({ address: server.address, prefix: 'purser:', log })
  t.teardown(() => shared.close())
  const heard: string[] = []
  shared.onMessage('topic', () => {
    throw new Error('secret')
  })
  shared.onMessage('topic', async () => {
    throw new Error('secret')
  })
  shared.onMessage('topic', (message) => void heard.push(message))
  shared.onReconnect(() => {
    throw new Error('secret')
  })
  shared.onReconnect(() => void heard.push('reconnect'))
  const publish = (text: string): number => Number(server.cli('publish', 'purser:messages', text))
  await eventually(() => shared.isUp() && publish('topic\nbefore') === 1)
  // What comes back by the command connection was sent after it: the message is there by then.
  await shared.publish('topic', 'before')
  await shared.getMany(['x'])
  t.same(heard, [])

  shared.start()
  t.same(heard, ['reconnect'], 'whoever listens was away until now')
  for (const text of ['', 'topic', '\n', 'other\nx', 'topic\n', 'topic\na\nb']) publish(text)
  await eventually(() => heard.length === 3)
  t.same(heard, ['reconnect', '', 'a\nb'])
  const line = 'error what was heard from Redis could not be taken up'
  t.same(
    logs.filter((text) => text.startsWith('error')),
    Array.from({ length: 5 }, () => line)
  )
})
