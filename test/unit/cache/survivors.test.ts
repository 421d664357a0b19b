/** What survives a restart of the cache: given as stale only, while its store fails, and never what was dropped. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { recordCodec } from '../../../src/cache/envelope.ts'
import { createSecretCache } from '../../../src/cache/secret-cache.ts'
import { createSurvivors } from '../../../src/cache/survivors.ts'
import { type FaultReason, ProviderFault } from '../../../src/core/fault.ts'
import { type Locator, type SecretRecord, Sensitive } from '../../../src/core/secret.ts'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { createSealer } from '../../../src/crypto/sealer.ts'
import { type EmbeddedCache, openEmbeddedCache } from '../../../src/state/embedded-cache.ts'
import { canaryOf } from '../../support/canary.ts'
import { createDirectory } from '../../support/embedded.ts'

const START = 1_800_000_000_000
const TTL = 600_000
const STALE = 3_600_000
const at = (store = 'kv', place = 'p') => ({ store, place })
const SURVIVES = { survives: true }

interface Run {
  readonly keys?: readonly string[]
  readonly staleMs?: number
  readonly maxEntries?: number
  readonly disk?: (disk: EmbeddedCache) => EmbeddedCache
}

/** One process after the other on one folder; each has a memory of its own, and the clock is the test's. */
const createMachine = (t: Test) => {
  const folder = createDirectory(t)
  const clock = { time: START }
  const keys = [newEncryptionKey()]
  const failures: unknown[] = []
  const start = (run: Run = {}) => {
    const keyring = createKeyring(run.keys ?? keys)
    const sealer = createSealer(keyring)
    const opened = openEmbeddedCache(folder)
    const common = { staleMs: run.staleMs ?? STALE, maxEntries: run.maxEntries ?? 100 }
    const survivors = createSurvivors<SecretRecord>({
      ...common,
      disk: run.disk?.(opened) ?? opened,
      codec: recordCodec,
      environment: 'dev',
      keyring: () => keyring,
      sealer: () => sealer,
      onFailure: (error) => failures.push(error),
      now: () => clock.time
    })
    const cache = createSecretCache<SecretRecord>({
      ...common,
      ttlMs: TTL,
      negativeTtlMs: 10_000,
      survivors,
      now: () => clock.time
    })
    const fetch = (locator: Locator, text: string, store = 'kv') =>
      cache.load(
        at(store),
        locator,
        async () => ({ text: new Sensitive(text), version: '1' }),
        SURVIVES
      )
    /** What a reader gets whose store fails so. */
    const whileFailing = async (
      locator: Locator,
      reason: FaultReason = 'unavailable',
      { origin = at(), options = SURVIVES as { survives?: boolean } } = {}
    ): Promise<string> => {
      const fail = async (): Promise<SecretRecord> => {
        throw new ProviderFault(reason)
      }
      return cache
        .load(origin, locator, fail, options)
        .then(({ entry, from }) => `${from} ${entry.record.text.reveal()}`)
        .catch((fault: ProviderFault) => fault.reason)
    }
    return { cache, survivors, fetch, whileFailing, close: survivors.close }
  }
  return { folder, clock, keys, failures, start }
}

test('what was fetched is given after a restart, as stale and only while its store fails', async (t) => {
  const { clock, start } = createMachine(t)
  const first = start()
  await first.fetch({ path: 'a' }, 'one')
  await first.close()

  const second = start()
  t.teardown(second.close)
  t.equal(second.cache.lookup('kv', { path: 'a' }).state, 'miss', 'though its time is not over')
  t.equal(await second.whileFailing({ path: 'a' }), 'STALE one')
  const known = second.cache.lookup('kv', { path: 'a' })
  t.ok(known.state === 'stale' && known.entry.fetchedAt === START)
  // Before it was fetched, and all the time up to its end: fresh at none.
  for (const time of [-1, 0, 1, 1_000, TTL - 1, TTL, TTL + STALE - 1, TTL + STALE]) {
    clock.time = START + time
    t.not(second.cache.lookup('kv', { path: 'a' }).state, 'fresh', `${time}`)
  }
  clock.time = START + 2_000
  t.match(await second.fetch({ path: 'a' }, 'two'), { from: 'MISS' }, 'the store is asked')
  t.equal(await second.whileFailing({ path: 'a', version: '7' }), 'unavailable')
})

test('it ends with the stale bound of its fetch, and with the bound of today', async (t) => {
  const { clock, start } = createMachine(t)
  const first = start()
  await first.fetch({ path: 'a' }, 'one')
  await first.close()
  const until = async (time: number, run?: Run): Promise<string> => {
    clock.time = START + time
    const { whileFailing, close } = start(run)
    const given = await whileFailing({ path: 'a' })
    await close()
    return given
  }
  t.equal(await until(-1), 'unavailable', 'a clock that was set back')
  t.equal(await until(TTL + 1_000, { staleMs: 1_000 }), 'unavailable')
  t.equal(await until(TTL + STALE - 1), 'STALE one')
  t.equal(await until(TTL + STALE), 'unavailable')
  const last = start()
  t.equal(last.survivors.size(), 0, 'and is taken away')
  await last.close()
})

test('what an answer of the store refuses is gone for good, and not only in memory', async (t) => {
  for (const reason of ['not_found', 'denied'] as const) {
    const { start } = createMachine(t)
    const first = start()
    await first.fetch({ path: 'a' }, 'one')
    const fail = () => Promise.reject(new ProviderFault(reason))
    const demand = { ...SURVIVES, notBefore: START + 1 }
    t.equal(
      await first.cache.load(at(), { path: 'a' }, fail, demand).then(
        () => 'given',
        (fault: ProviderFault) => fault.reason
      ),
      reason
    )
    await first.close()
    const second = start()
    t.equal(await second.whileFailing({ path: 'a' }), 'unavailable', reason)
    t.equal(await second.whileFailing({ path: 'a' }, reason), 'unavailable')
    await second.close()
  }
})

test('an invalidation of a secret, a store or all drops it with every version and spelling', async (t) => {
  const secrets: [Locator, string][] = [
    [{ path: 'a' }, 'kv'],
    [{ path: 'a', version: '1' }, 'kv'],
    [{ path: 'a-AbCdEf', nativeId: 'arn' }, 'kv'],
    [{ path: 'b' }, 'kv'],
    [{ path: 'a' }, 'other']
  ]
  const cases = [
    [{ store: 'kv', path: 'a' }, 'b/kv a/other'],
    [{ store: 'kv' }, 'a/other'],
    ['all', '']
  ] as const
  for (const [what, left] of cases) {
    const { start } = createMachine(t)
    const first = start()
    for (const [locator, store] of secrets) await first.fetch(locator, 'x', store)
    await first.survivors.settled()
    first.cache.invalidate(what)
    // Not closed in order: what was waited for is on the disk.
    await first.survivors.settled()
    await first.close()
    const second = start()
    const given: string[] = []
    for (const [locator, store] of secrets) {
      const answer = await second.whileFailing(locator, 'unavailable', { origin: at(store) })
      if (answer === 'STALE x') given.push(`${locator.path}/${store}`)
    }
    t.equal(given.join(' '), left)
    await second.close()
  }
})

test('an invalidation is in force at once, whatever is still being written', async (t) => {
  const { start } = createMachine(t)
  let isSlow = false
  let release = (): void => {}
  const first = start({
    disk: (disk) => ({
      ...disk,
      write: async (changes) => {
        if (isSlow) await new Promise<void>((resolve) => (release = resolve))
        await disk.write(changes)
      }
    })
  })
  await first.fetch({ path: 'a' }, 'one')
  await first.survivors.settled()
  first.cache.invalidate({ store: 'kv', path: 'a' })
  await first.fetch({ path: 'a' }, 'two')
  isSlow = true
  const writing = first.survivors.settled()
  await new Promise(setImmediate)
  const slot = { failure: { fault: new ProviderFault('unavailable'), until: START + 1 } }
  const found = first.survivors.restore(at(), { path: 'a' }, slot)
  t.equal(found.entry?.record.text.reveal(), 'two', 'though the disk has the other one still')
  first.cache.invalidate({ store: 'kv', path: 'a' })
  t.equal(first.survivors.restore(at(), { path: 'a' }, slot).entry, undefined)
  isSlow = false
  release()
  await writing
  await first.close()
  const second = start()
  t.equal(await second.whileFailing({ path: 'a' }), 'unavailable')
  await second.close()
})

test('another key leaves it unread and takes it away; a rotation does not', async (t) => {
  const { keys, start } = createMachine(t)
  const first = start()
  await first.fetch({ path: 'a' }, 'one')
  await first.close()
  const rotated = [...keys, newEncryptionKey()]
  const second = start({ keys: rotated })
  t.equal(await second.whileFailing({ path: 'a' }), 'STALE one')
  await second.close()
  const other = start({ keys: [newEncryptionKey()] })
  t.equal(await other.whileFailing({ path: 'a' }), 'unavailable')
  await other.close()
  const again = start()
  t.equal(await again.whileFailing({ path: 'a' }), 'unavailable', 'also once it is back')
  await again.close()
})

test('it opens at its own place alone: not for another store, place, version or environment', async (t) => {
  const { start, folder } = createMachine(t)
  const first = start()
  await first.fetch({ path: 'a' }, 'one')
  await first.fetch({ path: 'b' }, 'two')
  await first.close()
  // One secret under the name of the other, as by whoever can write to the disk.
  const disk = openEmbeddedCache(folder)
  const [a, b] = [...disk.heads(0)].map(({ name }) => name)
  const [valueA, valueB] = [a, b].map((name) => disk.get(name ?? ''))
  await disk.write([
    { name: a ?? '', value: valueB },
    { name: b ?? '', value: valueA }
  ])
  await disk.close()
  const second = start()
  t.equal(await second.whileFailing({ path: 'a' }), 'unavailable')
  t.equal(await second.whileFailing({ path: 'b' }), 'unavailable')
  await second.close()

  const third = start()
  await third.fetch({ path: 'c' }, 'three')
  await third.close()
  const fourth = start()
  const elsewhere = { origin: at('kv', 'another') }
  t.equal(await fourth.whileFailing({ path: 'c' }, 'unavailable', elsewhere), 'unavailable')
  await fourth.close()
  const fifth = start()
  t.equal(await fifth.whileFailing({ path: 'c' }, 'unavailable', { options: {} }), 'unavailable')
  await fifth.close()
  const sixth = start()
  t.equal(await sixth.whileFailing({ path: 'c' }), 'STALE three')
  await sixth.close()
})

test('nothing on the disk is to be read, neither a value nor a name', async (t) => {
  const { start, folder } = createMachine(t)
  const canaries = ['store', 'path', 'version', 'native', 'value'].map((word) =>
    canaryOf(`${word}-${newEncryptionKey()}`)
  )
  const [store = '', path = '', version = '', nativeId = '', value = ''] = canaries.map(
    ({ token }) => token
  )
  const first = start()
  await first.fetch({ path, version, nativeId }, value, store)
  await first.close()
  for (const name of readdirSync(join(folder, 'cache'))) {
    const bytes = readFileSync(join(folder, 'cache', name))
    for (const { findIn, token } of canaries) t.strictSame(findIn(bytes), [], `${token} ${name}`)
  }
})

test('it is bounded: the oldest go, what waits is bounded, and large ones are written by turns', async (t) => {
  const { start, failures } = createMachine(t)
  const first = start({ maxEntries: 3 })
  for (const path of ['a', 'b', 'c', 'd']) await first.fetch({ path }, path)
  await first.close()
  const second = start()
  t.equal(second.survivors.size(), 3)
  t.equal(await second.whileFailing({ path: 'a' }), 'unavailable')
  t.equal(await second.whileFailing({ path: 'd' }), 'STALE d')
  await second.close()

  const many = start({ maxEntries: 5_000 })

  for (let i = 0; i < 1_200; i++) {
    many.survivors.keep(
      at(),
      { path: `many/${i}` },
      {
        record: { text: new Sensitive('x'), version: '1' },
        fetchedAt: START,
        expiresAt: START + TTL
      }
    )
  }
  t.equal(many.survivors.size(), 1_003, 'those beyond a thousand were not taken')
  await many.close()
  const large = start({ maxEntries: 5_000 })
  const text = 'x'.repeat(1024 * 1024)
  for (let i = 0; i < 70; i++) await large.fetch({ path: `large/${i}` }, text)
  await large.close()
  const last = start({ maxEntries: 5_000 })
  t.strictSame(failures.map(String), [])
  t.ok(last.survivors.size() < 70, 'at most 64 MiB')
  t.ok(last.survivors.size() > 50)
  t.equal((await last.whileFailing({ path: 'large/69' })).length, 6 + text.length)
  t.equal(await last.whileFailing({ path: 'large/0' }), 'unavailable')
  await last.close()
})

test('a disk that cannot be written costs nothing but the survival, and what was to go goes later', async (t) => {
  const { start, failures } = createMachine(t)
  let isFull = false
  const first = start({
    disk: (disk) => ({
      ...disk,
      write: (changes) => (isFull ? Promise.reject(new Error('full')) : disk.write(changes))
    })
  })
  await first.fetch({ path: 'a' }, 'one')
  await first.fetch({ path: 'b' }, 'one')
  await first.survivors.settled()
  isFull = true
  first.cache.invalidate({ store: 'kv', path: 'a' })
  await first.fetch({ path: 'c' }, 'one')
  await first.survivors.settled()
  await first.survivors.settled()
  t.equal(failures.length, 1, 'told once')
  isFull = false
  await first.close()
  const second = start()
  t.equal(await second.whileFailing({ path: 'a' }), 'unavailable')
  t.equal(await second.whileFailing({ path: 'b' }), 'STALE one')
  t.equal(await second.whileFailing({ path: 'c' }), 'unavailable')
  await second.close()
})
