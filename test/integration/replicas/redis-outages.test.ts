/** A Redis that is down, slow, silent, full, foreign or failing over: what it costs, and how it comes back. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { createRedisState } from '../../../src/state/redis-state.ts'
import { parseRedisUrl, type RedisAddress } from '../../../src/state/redis-url.ts'
import type { State } from '../../../src/state/state.ts'
import { createCanary } from '../../support/canary.ts'
import { increment } from '../../support/increment.ts'
import { openShared, timed } from '../../support/open-shared.ts'
import { eventually, skipWithoutRedis, startRedis, startSentinels } from '../../support/redis.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'
import { closedPort } from '../../support/wire.ts'

const value = Buffer.from('value')
/** The deadline is 50 ms; the rest is this machine's. */
const AT_ONCE = 15
const ONE_DEADLINE = 120

const at = (port: number): RedisAddress => parseRedisUrl(`redis://127.0.0.1:${port}`)

const openState = (t: Test, address: RedisAddress): State => {
  const keyring = createKeyring([newEncryptionKey()])
  const state = createRedisState({ address, prefix: 'purser:', keyring: () => keyring })
  t.teardown(() => state.close())
  return state
}

test('a Redis in trouble', async (all) => {
  if (await skipWithoutRedis(all)) return

  await all.test('what is closed while it hangs does not connect again', async (t) => {
    const server = await startRedis(t)
    const { shared, whole } = openShared(t, server.address)
    const state = openState(t, server.address)
    await whole()
    t.equal(await state.get('k'), undefined)
    server.cli('client', 'pause', '4000', 'all')
    const asked = timed(state.get('k'))
    // Longer than a beat, and shorter than what it waits for: a heartbeat is under way.
    await sleep(1_200)
    await Promise.all([shared.close(), state.close()])
    t.match((await asked).outcome, /does not answer/)
    await sleep(3_500)
    // A line each; the one is who asks.
    t.equal(server.cli('client', 'list').split('\n').length, 1)
  })

  await all.test('it is down at the start, and taken up when it comes', async (t) => {
    const port = await closedPort()
    const { shared, logs, whole } = openShared(t, at(port))
    const state = openState(t, at(port))
    await eventually(() => logs.length > 0)
    t.equal(shared.isUp(), false)
    t.match(await timed(shared.put('k', value, 1_000)), { outcome: 'unavailable' })
    const refused = await timed(state.get('k'))
    t.match(refused.outcome, /^Error: the state in Redis does not answer \(ECONNREFUSED\)$/)
    t.ok(refused.ms < 1_300)
    await sleep(300)
    t.strictSame(logs, [
      '["warn","Redis does not answer: going on without it",{"code":"ECONNREFUSED"}]'
    ])
    await startRedis(t, { port })
    await whole()
    await shared.put('k', value, 1_000)
    t.equal(await state.compareAndSet('k', undefined, value), true)
    t.equal(logs[1], '["info","Redis answers again"]')
  })

  await all.test('it is killed and started again: both go on without a restart', async (t) => {
    const server = await startRedis(t, { args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
    const { shared, logs, whole } = openShared(t, server.address)
    const state = openState(t, server.address)
    const heard: string[] = []
    shared.onMessage('topic', (message) => void heard.push(message))
    await whole()
    await state.compareAndSet('before', undefined, value)
    for (let n = 2; n < 4; n++) {
      await server.kill()
      await eventually(() => !shared.isUp())
      const call = await timed(shared.getMany(['k']))
      t.match(call, { outcome: 'unavailable' })
      t.ok(call.ms < AT_ONCE, `${call.ms}`)
      t.match((await timed(state.get('before'))).outcome, /does not answer/)
      await server.start()
      await whole(n)
      await shared.publish('topic', String(n))
      await eventually(() => heard.includes(String(n)))
      t.ok((await state.get('before'))?.equals(value))
    }
    t.equal(logs.filter((line) => line.startsWith('["warn"')).length, 2, 'one line an outage')
  })

  await all.test('it is paused: a call costs 50 ms, then nothing, until it answers', async (t) => {
    const server = await startRedis(t)
    const { shared, logs, whole } = openShared(t, server.address)
    await whole()
    server.cli('client', 'pause', '1500', 'all')
    const first = await Promise.all([
      timed(shared.getMany(['a'])),
      timed(shared.put('a', value, 1_000)),
      timed(shared.acquire('a', 'me', 1_000, 10))
    ])
    for (const { outcome, ms } of first) {
      t.equal(outcome, 'unavailable')
      t.ok(ms < ONE_DEADLINE, `${ms}`)
    }
    t.ok((first[2]?.ms ?? 0) < 45, 'a shorter deadline is kept')
    let together = 0
    for (let i = 0; i < 20; i++) {
      const { outcome, ms } = await timed(shared.getMany(['a']))
      t.equal(outcome, 'unavailable')
      together += ms
    }
    t.ok(together < 20 * AT_ONCE, `${together}`)
    await whole(2)
    t.strictSame(await shared.getMany(['none']), [undefined])
    t.match(logs[1], /TIMEOUT/)
  })

  await all.test('a short deadline that passes says nothing of Redis', async (t) => {
    const server = await startRedis(t)
    const proxy = await startTcpProxy(t, server.port)
    const { shared, whole } = openShared(t, at(proxy.port))
    await whole()
    await proxy.set({ is: 'open', latencyMs: 4 })
    t.match(await timed(shared.getMany(['a'], 1)), { outcome: 'unavailable' })
    await sleep(100)
    t.equal(shared.isUp(), true)
    t.match(await timed(shared.getMany(['a'])), { outcome: 'done' })
  })

  await all.test('the network swallows everything: found out, and left behind', async (t) => {
    const server = await startRedis(t)
    const proxy = await startTcpProxy(t, server.port)
    const { shared, whole } = openShared(t, at(proxy.port))
    const state = openState(t, at(proxy.port))
    const heard: string[] = []
    shared.onMessage('topic', (message) => void heard.push(message))
    await whole()
    await state.get('k')
    await proxy.set({ is: 'black hole' })
    // An answer that had already passed the network still speaks for the connection: the next call finds out.
    await eventually(async () => {
      t.ok((await timed(shared.put('k', value, 1_000))).ms < ONE_DEADLINE)
      return !shared.isUp()
    })
    const late = await timed(state.compareAndSet('late', undefined, value))
    t.match(late.outcome, /does not answer \(TIMEOUT\)/)
    t.ok(late.ms < 1_300)
    const before = proxy.accepted()
    await eventually(() => proxy.accepted() > before + 1)
    await proxy.set({ is: 'open' })
    await whole(2)
    await shared.publish('topic', 'again')
    await eventually(() => heard.includes('again'))
    await eventually(() =>
      state.get('k').then(
        () => true,
        () => false
      )
    )
  })

  await all.test('a connection that is reset comes back by itself', async (t) => {
    const server = await startRedis(t)
    const proxy = await startTcpProxy(t, server.port)
    const { shared, whole } = openShared(t, at(proxy.port))
    await whole()
    await proxy.set({ is: 'reset' })
    await eventually(() => !shared.isUp())
    await sleep(300)
    await proxy.set({ is: 'open' })
    await whole(2)
    await shared.put('k', value, 1_000)
  })

  await all.test('a subscriber that alone is lost is as good as a lost connection', async (t) => {
    const server = await startRedis(t)
    const { shared, whole } = openShared(t, server.address)
    await whole()
    server.cli('client', 'kill', 'type', 'pubsub')
    await whole(2)
    t.equal(shared.isUp(), true)
  })

  await all.test(
    'it takes another password: refused by a code, and nothing shows it',
    async (t) => {
      const canary = createCanary()
      const server = await startRedis(t, { password: 'the-right-one' })
      const wrong = parseRedisUrl(
        `redis://:${encodeURIComponent(canary.token)}@127.0.0.1:${server.port}`
      )
      const { shared, logs } = openShared(t, wrong)
      const state = openState(t, wrong)
      const { outcome } = await timed(state.get('k'))
      t.match(outcome, /^Error: the state in Redis does not answer \(WRONGPASS\)$/)
      t.match(await timed(shared.put('k', value, 1_000)), { outcome: 'unavailable' })
      t.strictSame(logs, [
        '["warn","Redis does not answer: going on without it",{"code":"WRONGPASS"}]'
      ])
      t.strictSame(canary.findIn(logs.join() + outcome), [])
      const right = openShared(t, server.address)
      await right.whole()
    }
  )

  await all.test('it is full: writes fail at once, reads and deletions go on', async (t) => {
    const server = await startRedis(t, { args: ['--maxmemory-policy', 'noeviction'] })
    const { shared, logs, whole } = openShared(t, server.address)
    const state = openState(t, server.address)
    await whole()
    await shared.put('kept', value, 60_000)
    await state.compareAndSet('kept', undefined, value)
    await state.compareAndSet('gone', undefined, value)
    const canary = createCanary()
    server.cli('config', 'set', 'maxmemory', '1')
    const put = await timed(shared.put('new', Buffer.from(canary.token), 60_000))
    t.equal(put.outcome, 'unavailable')
    t.ok(put.ms < AT_ONCE)
    t.equal(shared.isUp(), true)
    t.match(await timed(shared.add([{ key: 'n', by: 1, ttlMs: 1_000 }])), {
      outcome: 'unavailable'
    })
    t.strictSame(await shared.getMany(['kept', 'n']), [value, undefined])
    const changed = await timed(state.compareAndSet('kept', value, Buffer.from(canary.token)))
    t.equal(changed.outcome, 'Error: the state in Redis refuses the command (OOM)')
    t.ok((await state.get('kept'))?.equals(value), 'a refused change changes nothing')
    t.equal(await state.compareAndSet('gone', value, undefined), true)
    t.strictSame(logs.slice(1), [
      '["warn","Redis refuses a command: going on without it",{"code":"OOM"}]'
    ])
    t.strictSame(canary.findIn(logs.join() + changed.outcome), [])
  })

  await all.test(
    'it fails over under load: all comes back, with what the replica had',
    async (t) => {
      const group = await startSentinels(t)
      const [master, replica] = group.servers
      const { shared, whole, reconnects } = openShared(t, group.address)
      const state = openState(t, group.address)
      await whole()
      let reported = 0
      let isOver = false
      const writer = async (): Promise<void> => {
        while (!isOver) {
          await increment(state, 'counter').then(
            () => reported++,
            () => sleep(20)
          )
        }
      }
      const slowest = { ms: 0 }
      const sharer = async (): Promise<void> => {
        while (!isOver) {
          const { outcome, ms } = await timed(shared.add([{ key: 'n', by: 1, ttlMs: 60_000 }]))
          t.ok(outcome === 'done' || outcome === 'unavailable', outcome)
          slowest.ms = Math.max(slowest.ms, ms)
          await sleep(2)
        }
      }
      const work = Promise.all([writer(), sharer()])
      await sleep(500)
      // What stands on the replica is what a failover keeps.
      const before = reported
      master?.cli('wait', '1', '1000')
      await master?.kill()
      const since = performance.now()
      await eventually(() => group.masterPort() === replica?.port, 30_000)
      await whole(2)
      const atReturn = reported
      await eventually(() => reported > atReturn + 20)
      t.comment(`back after ${Math.round(performance.now() - since)} ms`)
      isOver = true
      await work
      const counter = Number((await state.get('counter'))?.toString())
      // Asynchronous replication: what was reported between the last acknowledgement and the kill may be lost.
      t.ok(counter >= before, `${counter} of ${reported}, ${before} before the failover`)
      t.ok(slowest.ms < 250, `a shared call took ${slowest.ms} ms`)
      t.ok(reconnects() >= 2)
    }
  )
})
