/** What a look at the streams of all processes tells: which are asked for, what of them is missing, and since when all is there. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { beginChain, type Chain } from '../../../src/audit/chain.ts'
import type { Anchor } from '../../../src/audit/chain-line.ts'
import { type Note, sealEntry, sealNote } from '../../../src/audit/redis-entry.ts'
import { createRedisTrail } from '../../../src/audit/redis-trail.ts'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { createSealer } from '../../../src/crypto/sealer.ts'
import { STATE_REST } from '../../../src/state/namespaces.ts'
import type { StreamEntry } from '../../../src/state/redis-streams.ts'
import type { StateEntry } from '../../../src/state/state.ts'
import { beginAuditKey } from '../../support/audit-key.ts'
import { createDirectory } from '../../support/embedded.ts'

const NOW = Date.parse('2026-03-01T12:00:00.000Z')
const sealer = createSealer(createKeyring([newEncryptionKey()]))
const timeAt = (second: number): string => new Date(NOW + 1_000 * second).toISOString()

interface Given {
  /** Undefined: one that does not open. */
  readonly note?: Note | undefined
  /** The lines of each entry, the first of which has that number. */
  readonly texts?: readonly string[]
  readonly from?: number
  readonly isAway?: boolean
}

const NOTED: Note = { at: NOW, last: 0 }

const create = (t: Test) => {
  const folder = join(createDirectory(t), 'audit')
  mkdirSync(folder)
  let given: Readonly<Record<string, Given>> = {}
  const entriesOf = (stream: string): StreamEntry[] => {
    const { texts = [], from = 1, isAway } = given[stream] ?? {}
    if (isAway) throw new Error('away')
    return texts.map((text, i) => {
      const place = { environment: 'pro', stream, number: from + i }
      return { number: from + i, value: sealEntry(sealer, place, from + i - 1, text) }
    })
  }
  const list = async function* (prefix: string): AsyncIterable<StateEntry> {
    if (prefix !== STATE_REST.trails.prefix) return
    for (const [stream, { note }] of Object.entries(given)) {
      const value = note
        ? sealNote(sealer, { environment: 'pro', stream }, note)
        : Buffer.from('nonsense')
      yield { key: prefix + stream, value }
    }
  }
  const trail = createRedisTrail({
    streams: {
      ends: async (stream) => {
        const entries = entriesOf(stream)
        const [oldest, newest] = [entries[0], entries.at(-1)]
        return oldest && newest && { oldest, newest }
      },
      before: async () => []
    },
    state: { list },
    sealer: () => sealer,
    environment: 'pro',
    folder,
    now: () => NOW
  })
  const look = (streams: Readonly<Record<string, Given>>) => {
    given = streams
    return trail.look()
  }
  return { folder, look }
}

/** Each call is one entry of a record. */
const begin = async (after?: Anchor) => {
  const chain: Chain = await beginChain({ beginKey: beginAuditKey, after })
  const entry = (second: number): string =>
    chain.link('2026-03-01', timeAt(second), [`{"time":"${timeAt(second)}","action":"a"`])
  return { chain, entry }
}

test('of a stream nothing is missing that is as its note says, and its instance is named where something is', async (t) => {
  const { look } = create(t)
  const { chain, entry } = await begin()
  const texts = [entry(1), entry(2)]
  const { instance } = chain.anchor()
  const missing = async (one: Given): Promise<string[]> => [
    ...(await look({ s1: one, other: { note: NOTED } })).missing
  ]
  const taken = { at: NOW, until: NOW }
  t.same(await missing({ note: { ...NOTED, last: 2, taken, instance }, texts }), [])
  t.same(await missing({ note: { ...NOTED, last: 1, taken, instance }, texts }), [], 'it is older')
  t.same(await missing({ note: { ...NOTED, last: 3, taken, instance }, texts }), [instance])
  t.same(await missing({ note: { ...NOTED, last: 3, taken }, texts }), ['s1'])
  t.same(await missing({ note: { ...NOTED, last: 2, taken, instance } }), [instance], 'it is gone')
  const over = { at: NOW - 2, until: NOW - 1 }
  t.same(await missing({ note: { ...NOTED, last: 2, taken: over, instance } }), [], 'at its time')
  t.same(await missing({ note: NOTED }), [], 'it never had any')
  t.same(await missing({ texts }), ['s1'], 'nobody knows what it should have')
  t.same(await missing({ note: NOTED, texts, isAway: true }), ['s1'])
})

test('where no stream at all can be read Redis does not answer; where there is none it does', async (t) => {
  const { look } = create(t)
  await t.rejects(look({ a: { note: NOTED, isAway: true }, b: { isAway: true } }))
  const { missing, alive, holding, sources } = await look({})
  t.same([missing.size, alive, holding.begun, holding.gap], [0, 0, undefined, undefined])
  t.same(sources({}), [{ day: '', sources: [] }])
})

test('all streams are looked at, however many, and who said within some minutes that it is there is', async (t) => {
  const { look } = create(t)
  const at = (ago: number): Given => ({ note: { ...NOTED, at: NOW - ago } })
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`s${i}`, at(0)]))
  t.equal((await look(many)).alive, 40)
  const { alive } = await look({
    a: at(0),
    b: at(149_999),
    c: at(-149_999),
    d: at(150_000),
    e: at(-150_000),
    f: {}
  })
  t.equal(alive, 3)
})

test('a source goes through its stream from the newest entry on, and says itself what it misses', async (t) => {
  const { look } = create(t)
  const { entry } = await begin()
  const { sources, miss, missing } = await look({
    empty: { note: NOTED },
    s1: { note: NOTED, texts: [entry(1)] }
  })
  const [day] = sources({})
  t.same(
    day?.sources.map(({ name }) => name),
    ['s1']
  )
  t.equal((await day?.sources[0]?.open(undefined))?.end(), 2 * 8 * 1024 * 1024)
  t.equal((await day?.sources[0]?.open(7))?.end(), 7)
  miss('s1')
  miss('unknown')
  t.same([...missing], ['s1', 'unknown'])
})

test('all is there since the oldest record, if what was before is there or never was', async (t) => {
  const { look } = create(t)
  const first = await begin()
  const texts = [first.entry(1), first.entry(2)]
  const holding = async (streams: Readonly<Record<string, Given>>) => {
    const found = (await look(streams)).holding
    return [found.begun, found.gap]
  }
  const whole = { note: NOTED, texts }
  t.same(await holding({ a: whole }), [timeAt(1), undefined])
  t.same(await holding({ a: { ...whole, texts: ['', ...texts] } }), [undefined, undefined])
  t.same(await holding({ a: { ...whole, texts: texts.slice(1), from: 2 } }), [timeAt(2), timeAt(2)])
  const next = async (seq: number, instance = first.chain.anchor().instance): Promise<Given> => {
    const { entry } = await begin({ instance, seq, head: 'h'.repeat(43) })
    return { note: NOTED, texts: [entry(5)] }
  }
  const { seq } = first.chain.anchor()
  t.same(await holding({ a: whole, b: await next(seq) }), [timeAt(1), undefined])
  t.same(await holding({ b: await next(seq - 1), a: whole }), [timeAt(1), undefined])
  t.same(await holding({ a: whole, b: await next(seq + 1) }), [timeAt(1), timeAt(5)])
  t.same(await holding({ a: whole, b: await next(1, 'other000000') }), [timeAt(1), timeAt(5)])
  const late = { ...whole, texts: [(await begin()).entry(7), first.entry(8)].slice(1) }
  t.same(
    await holding({ l: late, b: await next(1, 'other000000'), a: whole }),
    [timeAt(1), timeAt(8)],
    'the latest of what is missing'
  )
})

test('of a stream that is gone something is missing before its last record', async (t) => {
  const { look } = create(t)
  const gap = async (one: Given) => (await look({ a: one })).holding.gap
  t.equal(await gap({ note: { ...NOTED, taken: { at: NOW - 5_000, until: NOW } } }), timeAt(-5))
  t.equal(await gap({ note: NOTED }), undefined)
  t.equal(await gap({}), undefined)
  const foreign = { note: NOTED, texts: [` {"time":"${timeAt(1)}"}\n`] }
  t.equal(await gap(foreign), undefined)
})

test('what stands in a file here is not asked of Redis, and for each note it is looked at once', async (t) => {
  const { folder, look } = create(t)
  const { chain, entry } = await begin()
  const text = entry(1)
  const { instance, seq } = chain.anchor()
  const name = '2026-03-01.jsonl'
  const path = join(folder, name)
  writeFileSync(path, text)
  const end = text.length
  const isAsked = async (file: Note['file'], at = NOW, more: Partial<Note> = {}) => {
    const note: Note = { at, last: 1, instance, ...(file && { file }), ...more }
    const { sources, alive } = await look({ a: { note, texts: [text] } })
    t.equal(alive, 1)
    return sources({})[0]?.sources.length === 1
  }
  let at = NOW
  const again = (file: Note['file'], more: Partial<Note> = {}) => isAsked(file, --at, more)
  t.equal(await again({ name, end, seq }), false)
  t.equal(await again(undefined), true)
  t.equal(await again({ name: 'none.jsonl', end, seq }), true)
  t.equal(await again({ name: `../audit/${name}`, end, seq }), true, 'nothing is read elsewhere')
  t.equal(await again({ name: `${name}/`, end, seq }), true)
  t.equal(await again({ name, end, seq: seq + 1 }), true)
  t.equal(await again({ name, end, seq }, { instance: 'other000000' }), true)
  mkdirSync(join(folder, 'folder'))
  t.equal(await again({ name: 'folder', end, seq }), true)

  const MIB = 1024 * 1024
  writeFileSync(
    path,
    Buffer.concat([Buffer.alloc(5 * MIB, '\n'), Buffer.from(text), Buffer.alloc(5 * MIB, '\n')])
  )
  t.equal(await again({ name, end: 5 * MIB, seq }), false, 'about where it was said to be')
  t.equal(await again({ name, end: 7 * MIB - 1, seq }), false)
  t.equal(await again({ name, end: 3 * MIB + 1_000, seq }), false)
  t.equal(await again({ name, end: 0, seq }), true, 'not in all of the file')
  t.equal(await again({ name, end: 9 * MIB, seq }), true)

  const file = { name, end: 5 * MIB, seq }
  t.equal(await isAsked(file, NOW - 100), false)
  writeFileSync(path, '')
  t.equal(await isAsked(file, NOW - 100), false, 'that note was looked at')
  t.equal(await isAsked(file, NOW - 101), true)
  writeFileSync(path, text)
  t.equal(await isAsked(file, NOW - 101), true)
  await look({})
  t.equal(await isAsked({ ...file, end }, NOW - 101), false, 'what is gone is forgotten')
})
