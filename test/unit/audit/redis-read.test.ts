/** A stream of sealed entries is read from its newest on: what opens is given, and what is missing between is said. */
import { type Test, test } from 'tap'
import { beginChain } from '../../../src/audit/chain.ts'
import type { RecordFilter } from '../../../src/audit/record-filter.ts'
import { sealEntry } from '../../../src/audit/redis-entry.ts'
import { checkLines, ENTRY_MAX, formerOf, openStream } from '../../../src/audit/redis-read.ts'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { createSealer } from '../../../src/crypto/sealer.ts'
import type { StreamEntry } from '../../../src/state/redis-streams.ts'
import { beginAuditKey } from '../../support/audit-key.ts'

const DAY = '2026-03-01'
const sealer = createSealer(createKeyring([newEncryptionKey()]))
const PLACE = { environment: 'pro', stream: 's1' }

const timeAt = (second: number): string => `${DAY}T12:00:${String(second).padStart(2, '0')}.000Z`

const body = (second: number): string =>
  `{"time":"${timeAt(second)}","action":"secret.read","outcome":"allowed","requestId":"${second}"`

/** Groups of records, by their seconds, of one instance. */
const groupsOf = async (groups: readonly (readonly number[])[]): Promise<string[]> => {
  const chain = await beginChain({ beginKey: beginAuditKey, after: undefined })
  return groups.map((seconds) => chain.link(DAY, timeAt(seconds[0] ?? 0), seconds.map(body)))
}

const entryOf = (number: number, text: string, former = number - 1): StreamEntry => ({
  number,
  value: sealEntry(sealer, { ...PLACE, number }, former, text)
})

interface Asked {
  readonly filter?: RecordFilter
  readonly from?: number
}

const read = async (entries: readonly StreamEntry[], { filter = {}, from }: Asked = {}) => {
  let missing = 0
  const asked: (readonly [before: number, count: number])[] = []
  const back = openStream({
    ...PLACE,
    sealer: () => sealer,
    filter,
    from: from ?? 1_000 * ENTRY_MAX,
    onMissing: () => {
      missing++
    },
    streams: {
      before: async (stream, number, count) => {
        asked.push([number, count])
        return stream === PLACE.stream
          ? entries
              .filter((one) => one.number <= number)
              .toReversed()
              .slice(0, count)
          : []
      }
    }
  })
  const ids: (string | undefined)[] = []
  const ends: number[] = []
  let [skipped, bytes] = [0, 0]
  for (let i = 0; back.end() > 0 && i < 500; i++) {
    const found = await back.read()
    ids.push(...found.found.map(({ record }) => record.requestId).reverse())
    ends.push(...found.found.map(({ end }) => end).reverse())
    skipped += found.skipped
    bytes += found.bytes
  }
  await back.close()
  return { ids, ends, missing, skipped, bytes, asked, inode: back.inode, end: back.end() }
}

test('entries come from the newest on, each with its records and where they end', async (t) => {
  const texts = await groupsOf([[1], [2, 3], [4]])
  const entries = texts.map((text, i) => entryOf(i + 1, text))
  const { ids, ends, missing, skipped, bytes, inode, end } = await read(entries)
  t.strictSame([ids, missing, skipped, inode, end], [['4', '3', '2', '1'], 0, 0, 0, 0])
  t.equal(
    bytes,
    entries.reduce((sum, { value }) => sum + value.length, 0)
  )
  t.strictSame(
    ends.map((one) => Math.floor(one / ENTRY_MAX)),
    [3, 2, 2, 1]
  )
  t.equal(ends[0], 3 * ENTRY_MAX + (texts[2]?.length ?? 0))
  for (const [i, from] of ends.entries()) {
    t.strictSame((await read(entries, { from })).ids, ids.slice(i), 'from the end of a record on')
  }
  t.strictSame((await read(entries, { filter: { from: timeAt(3) } })).ids, ['4', '3'])
  t.strictSame((await read(entries, { filter: { action: 'key.issue' } })).ids, [])
})

test('it begins with one entry, and then asks for about a block of them at once', async (t) => {
  const texts = await groupsOf(Array.from({ length: 200 }, (_, i) => [i % 60]))
  const { asked, ids, missing } = await read(texts.map((text, i) => entryOf(i + 1, text)))
  t.equal(ids.length, 200)
  t.equal(missing, 0)
  t.equal(asked[0]?.[1], 1)
  t.ok(asked.every(([, count]) => count >= 1 && count <= 64))
  t.equal(asked[1]?.[1], 64)
  t.strictSame(
    asked.slice(1).map(([before]) => before),
    [199, 135, 71, 7, 0]
  )
  const wide = texts.slice(0, 3).map((text) => `${text}${'\n'.repeat(300_000)}`)
  const few = await read(wide.map((text, i) => entryOf(i + 1, text)))
  t.strictSame(
    few.asked.map(([, count]) => count),
    [1, 1, 1, 1],
    'of great ones one at a time'
  )
})

test('an entry that is gone, moved or none of ours is missing, and the others are given', async (t) => {
  const texts = await groupsOf([[1], [2], [3], [4]])
  const all = texts.map((text, i) => entryOf(i + 1, text))
  const [one, two, three, four] = all as [StreamEntry, StreamEntry, StreamEntry, StreamEntry]
  const told = async (entries: readonly StreamEntry[]) => {
    const { ids, missing, skipped } = await read(entries)
    return [ids.join(''), missing > 0, skipped]
  }
  t.strictSame(await told([one, two, four]), ['421', true, 0])
  t.strictSame(await told([one, { ...three, number: 2 }, four]), ['41', true, 1])
  t.strictSame(await told([one, two, { number: 3, value: Buffer.from('x') }, four]), [
    '421',
    true,
    1
  ])
  t.strictSame(await told([one, two, three]), ['321', false, 0], 'the newest only others know of')
  t.strictSame(await told([two, three, four]), ['432', false, 0], 'as the oldest')
  t.strictSame(await told([one, two, entryOf(3, ''), entryOf(4, texts[2] ?? '')]), [
    '321',
    false,
    0
  ])
})

test('an entry that says that another one was taken before it tells of that one', async (t) => {
  const texts = await groupsOf([[1], [2]])
  const [first = '', second = ''] = texts
  t.equal((await read([entryOf(1, first), entryOf(5, second, 1)])).missing, 0)
  t.equal((await read([entryOf(1, first), entryOf(5, second, 2)])).missing, 1)
  t.equal((await read([entryOf(1, first), entryOf(5, '', 2)])).missing, 1)
})

/** A line of another process that begins with these members. */
const headAfter = async (t: Test, after: Parameters<typeof beginChain>[0]['after']) => {
  const chain = await beginChain({ beginKey: beginAuditKey, after })
  const text = chain.link(DAY, timeAt(9), [body(9)])
  t.match(text, /"chain":"head"/)
  return text
}

test('a chain that begins anew names as much of the former one as is there, or it is missing', async (t) => {
  const chain = await beginChain({ beginKey: beginAuditKey, after: undefined })
  const former = chain.link(DAY, timeAt(1), [body(1)])
  const anchor = chain.anchor()
  const missed = async (text: string) => {
    const { ids, missing } = await read([entryOf(1, former), entryOf(2, text)])
    t.strictSame(ids, ['9', '1'])
    return missing
  }
  t.equal(await missed(await headAfter(t, anchor)), 0)
  t.equal(await missed(await headAfter(t, undefined)), 0)
  t.equal(await missed(await headAfter(t, { ...anchor, seq: anchor.seq - 1 })), 0)
  t.equal(await missed(await headAfter(t, { ...anchor, seq: anchor.seq + 1 })), 1)
  t.equal(await missed(await headAfter(t, { ...anchor, seq: 99, instance: 'other000000' })), 0)
  const [, rest = ''] = (await headAfter(t, anchor)).split('\n')
  t.equal(await missed(`${rest}\n`), 1, 'without its head')
})

test('lines are whole if each follows on the one before', async (t) => {
  const [text = ''] = await groupsOf([[1, 2, 3]])
  const lines = text.trimEnd().split('\n')
  const check = (some: readonly string[]) => {
    const checked = checkLines(Buffer.from(some.map((line) => `${line}\n`).join('')))
    return checked && [checked.first.place.seq, checked.last.seq, checked.isWhole]
  }
  t.strictSame(check(lines), [1, 4, true])
  t.strictSame(check(['', ...lines, '']), [1, 4, true])
  t.strictSame(check(lines.slice(2)), [3, 4, true])
  t.strictSame(check(lines.toSpliced(2, 1)), [1, 4, false])
  t.strictSame(check(lines.with(2, (lines[2] ?? '').replace('allowed', 'refused'))), [1, 4, false])
  t.strictSame(check([...lines.slice(0, 2), 'none of ours', ...lines.slice(2)]), [1, 2, false])
  t.strictSame(check(['none of ours']), [0, 0, false])
  t.equal(check([]), undefined)
  t.equal(checkLines(Buffer.from(lines[0] ?? '')), undefined, 'without its line feed')
})

test('what was on record before is read from a head, and from nothing else', async (t) => {
  const anchor = { instance: 'one00000000', seq: 7, head: 'h'.repeat(43) }
  const [head = ''] = (await headAfter(t, anchor)).split('\n')
  t.strictSame(formerOf(Buffer.from(head)), anchor)
  for (const text of ['', '7', '{}', '{"after":7}', '{"after":"x"}', head.slice(1)]) {
    t.equal(formerOf(Buffer.from(text)), undefined)
  }
})
