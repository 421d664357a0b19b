/** What the sink asks of Redis and says in the state: each entry once, with a bound, and a note of how its stream stands. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mock } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { beginChain } from '../../../src/audit/chain.ts'
import { openEntry, openNote, sealNote } from '../../../src/audit/redis-entry.ts'
import {
  createRedisSink,
  noteKey,
  type RedisSinkOptions,
  streamOfKey
} from '../../../src/audit/redis-sink.ts'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { createSealer } from '../../../src/crypto/sealer.ts'
import type { StreamEntry } from '../../../src/state/redis-streams.ts'
import { beginAuditKey } from '../../support/audit-key.ts'
import { createDirectory, openState } from '../../support/embedded.ts'

const NOW = Date.parse('2026-03-01T12:00:00.000Z')
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const DAY = '2026-03-01'
const sealer = createSealer(createKeyring([newEncryptionKey()]))

const create = (t: Test, more: Partial<RedisSinkOptions> = {}) => {
  const folder = join(createDirectory(t), 'audit')
  mkdirSync(folder)
  const state = openState(t)
  const clock = { time: NOW }
  const fake = { outcome: 'done' as 'done' | 'taken', fails: false, keepFails: false, closed: 0 }
  const appended: (StreamEntry & { readonly stream: string })[] = []
  const kept: (readonly [stream: string, from: number, lifeMs: number])[] = []
  const sink = createRedisSink({
    streams: {
      append: async (stream, entry) => {
        appended.push({ stream, ...entry })
        if (fake.fails) throw new Error('away')
        return fake.outcome
      },
      keep: async (...all) => {
        if (fake.keepFails) throw new Error('away')
        kept.push(all)
      },
      ends: async () => undefined,
      before: async () => [],
      close: async () => {
        fake.closed++
      }
    },
    state,
    sealer: () => sealer,
    environment: 'pro',
    now: () => clock.time,
    folder,
    isInFiles: true,
    maxBytes: 1024 * 1024,
    retentionDays: 90,
    ...more
  })
  const notes = async () => {
    const found = []
    for await (const { key, value } of state.list(noteKey(''))) {
      const stream = streamOfKey(key)
      found.push({ stream, ...openNote(sealer, { environment: 'pro', stream }, value) })
    }
    return found
  }
  const opened = () =>
    appended.map(({ stream, number, value }) => {
      const entry = openEntry(sealer, { environment: 'pro', stream, number }, value)
      return [number, entry?.former, entry?.lines.toString()]
    })
  return { folder, state, clock, fake, appended, kept, sink, notes, opened }
}

const recordOf = async () => {
  const chain = await beginChain({ beginKey: beginAuditKey, after: undefined })
  const time = new Date(NOW).toISOString()
  const text = chain.link(DAY, time, [`{"time":"${time}","action":"a"`])
  return { text, ...chain.anchor() }
}

test('each text is one entry, which says the one before it that was taken', async (t) => {
  const { sink, opened, appended, fake } = create(t)
  t.match(sink, { name: 'redis', mayRepeat: true })
  await sink.append(DAY, 'a\n')
  await sink.append(DAY, 'b\n')
  await sink.append(DAY, 'b\n')
  fake.fails = true
  await t.rejects(sink.append(DAY, 'lost\n'))
  fake.fails = false
  await sink.append(DAY, 'c\n')
  t.same(opened(), [
    [1, 0, 'a\n'],
    [2, 1, 'b\n'],
    [3, 2, 'b\n'],
    [4, 3, 'lost\n'],
    [5, 3, 'c\n']
  ])
  t.equal(new Set(appended.map(({ stream }) => stream)).size, 1)
  t.match(appended[0]?.stream, /^[\w-]{11}$/)
})

test('what may have been taken is sent again as the same entry', async (t) => {
  const { sink, appended, fake } = create(t)
  fake.fails = true
  await t.rejects(sink.append(DAY, 'a\n'))
  fake.fails = false
  await sink.append(DAY, 'a\n')
  const [first, second] = appended
  t.same([second?.number, second?.value], [first?.number, first?.value])
})

test('a stream in which somebody else wrote is left', async (t) => {
  const { sink, appended, fake } = create(t)
  await sink.append(DAY, 'a\n')
  fake.outcome = 'taken'
  await t.rejects(sink.append(DAY, 'b\n'), { code: 'TAKEN' })
  fake.outcome = 'done'
  await sink.append(DAY, 'b\n')
  t.same(
    appended.map(({ number }) => number),
    [1, 2, 1]
  )
  t.not(appended[2]?.stream, appended[1]?.stream)
})

test('Redis keeps a stream for a week and an hour, or for as long as records are kept', async (t) => {
  for (const [retentionDays, days] of [
    [90, 7],
    [3, 3]
  ] as const) {
    const { sink, kept, appended } = create(t, { retentionDays })
    await sink.append(DAY, 'a\n')
    await sink.append(DAY, 'b\n')
    t.same(kept, [[appended[0]?.stream, 1, days * DAY_MS + HOUR_MS]])
  }
})

test('a bound that could not be set is set before the next entry, or that is not written', async (t) => {
  const { sink, kept, appended, fake } = create(t)
  fake.keepFails = true
  await sink.append(DAY, 'a\n')
  await t.rejects(sink.append(DAY, 'b\n'))
  t.equal(appended.length, 1)
  fake.keepFails = false
  await sink.append(DAY, 'b\n')
  t.same([kept.length, appended.length], [1, 2])
})

test('a note is there before the first entry, and tells of it at once, then when it is due', async (t) => {
  const { sink, notes, appended, fake, clock } = create(t, { isInFiles: false })
  fake.fails = true
  await t.rejects(sink.append(DAY, 'a\n'))
  const [{ stream } = { stream: '' }] = appended
  t.same(await notes(), [{ stream, at: NOW, last: 0 }])
  fake.fails = false
  const { text, instance } = await recordOf()
  await sink.append(DAY, text)
  const taken = { at: NOW, until: NOW + 7 * DAY_MS }
  t.same(await notes(), [{ stream, at: NOW, last: 2, taken, instance }])
  clock.time += 5
  await sink.append(DAY, text)
  t.match(await notes(), [{ at: NOW, last: 2 }])
  await sink.close()
  t.match(await notes(), [{ at: NOW + 5, last: 3, taken: { at: NOW + 5 } }])
  t.equal(fake.closed, 1)
})

test('a note says where its last line stands in a file, if it has to stand there', async (t) => {
  const noted = async (more: Partial<RedisSinkOptions>, name?: string) => {
    const { sink, notes, folder } = create(t, more)
    if (name) writeFileSync(join(folder, name), 'x'.repeat(77))
    const { text, seq } = await recordOf()
    await sink.append(DAY, text)
    // By an empty line a sink is tried: the line before is still the last.
    await sink.append(DAY, '\n')
    await sink.close()
    return { seq, file: (await notes())[0]?.file }
  }
  const own = await noted({}, `${DAY}.jsonl`)
  t.same(own.file, { name: `${DAY}.jsonl`, end: 77, seq: own.seq })
  const worker = await noted({ writer: '2' }, `${DAY}.2.jsonl`)
  t.same(worker.file, { name: `${DAY}.2.jsonl`, end: 77, seq: worker.seq })
  t.equal((await noted({ isInFiles: false }, `${DAY}.jsonl`)).file, undefined)
  t.equal((await noted({})).file, undefined, 'it is not there')
})

test('from its start on it says each minute that it is there, and notes that are too old go', async (t) => {
  mock.timers.enable({ apis: ['setInterval', 'setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const { sink, state, notes, clock } = create(t)
  const put = async (stream: string, at: number): Promise<void> => {
    const value = sealNote(sealer, { environment: 'pro', stream }, { at, last: 0 })
    await state.compareAndSet(noteKey(stream), undefined, value)
  }
  await put('old', NOW - 90 * DAY_MS - 1)
  await put('young', NOW - 90 * DAY_MS)
  await state.compareAndSet(noteKey('foreign'), undefined, Buffer.from('x'))
  sink.start()
  const settled = async (isSo: () => Promise<boolean>): Promise<void> => {
    for (let i = 0; i < 10_000 && !(await isSo()); i++) await turn()
  }
  const names = async () => (await notes()).map(({ stream }) => stream)
  await settled(async () => !(await names()).includes('old') && (await names()).length === 3)
  const others = (await names()).filter((name) => !['young', 'foreign'].includes(name))
  t.equal(others.length, 1, 'its own')
  t.same((await names()).length, 3)
  const ownAt = async () => (await notes()).find(({ stream }) => stream === others[0])?.at
  t.equal(await ownAt(), NOW)
  clock.time += 60_000
  mock.timers.tick(60_000)
  await settled(async () => (await ownAt()) !== NOW)
  t.equal(await ownAt(), NOW + 60_000)
  await sink.close()
})
