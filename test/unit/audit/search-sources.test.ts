/** How a search goes through its sources: what it opens, how far it reads, where it stands, and that it lets go of all. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import type { BlockFound } from '../../../src/audit/read-back.ts'
import type { RecordFilter } from '../../../src/audit/record-filter.ts'
import {
  createBoth,
  createSearch,
  filesAsked,
  type Position,
  type Search,
  type Source,
  type SourcesOfDay
} from '../../../src/audit/search.ts'
import type { AuditRecord } from '../../../src/audit/shown-record.ts'
import { createDirectory } from '../../support/embedded.ts'

const timeAt = (minute: number): string =>
  new Date(Date.parse('2026-03-01T12:00:00.000Z') + minute * 60_000).toISOString()

const record = (minute: number, requestId = String(minute)): AuditRecord => ({
  time: timeAt(minute),
  action: 'secret.read',
  outcome: 'allowed',
  requestId
})

/** Each block is the minutes of its records, the oldest first; one that is undefined cannot be read. */
type Blocks = readonly (readonly number[] | undefined)[]

/** A source of ten bytes a block, read from its last one on; `log` says what is done with it. */
const sourceOf = (name: string, blocks: Blocks, log: string[] = [], inode = 7): Source => ({
  name,
  open: async (from) => {
    log.push(`open ${name}${from === undefined ? '' : ` ${from}`}`)
    let end = Math.min(from ?? 10 * blocks.length, 10 * blocks.length)
    return {
      inode,
      end: () => end,
      read: async (): Promise<BlockFound> => {
        log.push(`read ${name}`)
        const at = Math.ceil(end / 10) - 1
        const block = blocks[at]
        const length = end - at * 10
        end = at * 10
        if (block === undefined) throw new Error('cannot be read')
        const found = block
          .map((minute, i) => ({ record: record(minute), end: at * 10 + i + 1 }))
          .filter((one) => one.end <= at * 10 + length)
        return {
          bytes: 10,
          found,
          oldest: block.length > 0 ? timeAt(block[0] ?? 0) : undefined,
          skipped: 1
        }
      },
      close: async () => {
        log.push(`close ${name}`)
      }
    }
  }
})

const searchIn = (
  days: readonly SourcesOfDay[],
  more: { filter?: RecordFilter; position?: Position | undefined } = {}
): Search =>
  createSearch({ sources: async () => days, filter: {}, access: (work) => work(), ...more })

const idsOf = async (search: Pick<Search, 'step'>, max = 100, downTo?: string) => {
  const ids: (string | undefined)[] = []
  for (;;) {
    const found = await search.step(max, downTo)
    if (found === undefined) return ids
    ids.push(...found.map(({ requestId }) => requestId))
  }
}

const day = (...sources: readonly Source[]): SourcesOfDay => ({ day: '2026-03-01', sources })

test('with a first time it is read a quarter of an hour beyond that, and no further', async (t) => {
  const blocks = [[0], [10], [29], [30], [44], [46], [60]]
  const reads = async (from: string | undefined) => {
    const log: string[] = []
    const search = searchIn([day(sourceOf('a', blocks, log))], { filter: { from } })
    await idsOf(search)
    t.equal(search.seen().bytes, 10 * log.filter((one) => one === 'read a').length)
    return search.seen().bytes / 10
  }
  t.equal(await reads(undefined), 7)
  t.equal(await reads(timeAt(45)), 5, 'up to the first that is before')
  t.equal(await reads(timeAt(46)), 4)
  t.equal(await reads(timeAt(60)), 3)
})

test('a day after the other is opened, and closed before the next', async (t) => {
  const log: string[] = []
  const days = [
    { day: '2026-02-27', sources: [sourceOf('c', [[-900]], log)] },
    { day: '2026-02-28', sources: [sourceOf('a', [[-20], []], log), sourceOf('b', [], log)] },
    { day: '2026-03-01', sources: [sourceOf('a', [[1, 2]], log)] }
  ]
  const search = searchIn(days)
  t.same(await idsOf(search), ['2', '1', '-20', '-900'])
  t.same(
    log.join(),
    [
      ...['open a', 'read a', 'close a'],
      ...['open a', 'open b', 'read a', 'read a', 'close a', 'close b'],
      ...['open c', 'read c', 'close c']
    ].join()
  )
  t.equal(search.reaches(), '')
  t.equal(search.position(), undefined)
  t.equal(search.seen().skipped, 4)
})

test('what is open when a search is left is closed', async (t) => {
  const log: string[] = []
  const search = searchIn([day(sourceOf('a', [[1]], log), sourceOf('b', [[2]], log))])
  await search.step(1)
  await search.close()
  await search.close()
  t.same(log, ['open a', 'open b', 'close a', 'close b'])
})

test('a source that cannot be opened or read is named, and the others go on', async (t) => {
  const closed: Source = { name: 'closed', open: () => Promise.reject(new Error('x')) }
  const search = searchIn([
    day(sourceOf('a', [[1], [4]]), closed, sourceOf('b', [[2], undefined, [5]]))
  ])
  t.same(await idsOf(search), ['5', '4', '1'])
  t.same(search.seen().unread, ['closed', 'b'])
})

test('it can be told at each step where a search stands, and another one goes on there', async (t) => {
  const days = [day(sourceOf('a', [[1], [4, 6]]), sourceOf('b', [[2, 3], [5]]), sourceOf('c', []))]
  const fresh = searchIn(days)
  t.strictSame(fresh.position(), { day: '~', ends: {} }, 'all is before')
  t.equal(fresh.reaches(), '~')
  const given = { day: '2026-03-01', ends: { a: [7, 3] } } as const
  t.equal(searchIn(days, { position: given }).position(), given)
  for (let steps = 0; steps < 14; steps++) {
    const search = searchIn(days)
    const ids: (string | undefined)[] = []
    for (let i = 0; i < steps; i++) {
      ids.push(...((await search.step(1)) ?? []).map(({ requestId }) => requestId))
    }
    const position = search.position()
    t.notOk(
      Object.values(position?.ends ?? {}).some(([, end]) => end === 0),
      'no more to read'
    )
    if (position !== undefined) ids.push(...(await idsOf(searchIn(days, { position }))))
    t.same(ids, ['6', '5', '4', '3', '2', '1'], `after ${steps} steps`)
  }
})

test('what a position does not name was read, or is newer; on an earlier day all is read', async (t) => {
  const log: string[] = []
  const days = [
    { day: '2026-02-28', sources: [sourceOf('b', [[-1_000]], log)] },
    day(sourceOf('a', [[1], [4]], log), sourceOf('b', [[9]], log))
  ]
  const position: Position = { day: '2026-03-01', ends: { a: [7, 10] } }
  t.same(await idsOf(searchIn(days, { position })), ['1', '-1000'])
  t.same(
    log.filter((one) => one.startsWith('open')),
    ['open a 10', 'open b']
  )
})

test('a position in another file of that name is a mistake of who asks, and that file is closed', async (t) => {
  const log: string[] = []
  const search = searchIn([day(sourceOf('a', [[1]], log, 8))], {
    position: { day: '2026-03-01', ends: { a: [7, 10] } }
  })
  await t.rejects(search.step(1), {
    code: 'invalid_request',
    details: { errors: [{ pointer: '/querystring/cursor', rule: 'cursor' }] }
  })
  t.same(log, ['open a 10', 'close a'])
})

test('nothing before a time is given, nor is more read than tells that, until it is asked for', async (t) => {
  const log: string[] = []
  const search = searchIn([day(sourceOf('a', [[0], [1], [3], [5]], log))])
  const at = timeAt(3)
  const some: (string | undefined)[] = []
  for (let i = 0; i < 10; i++) {
    some.push(...((await search.step(100, at)) ?? []).map(({ requestId }) => requestId))
  }
  t.same(some, ['5', '3'])
  t.equal(search.reaches(), timeAt(1))
  t.equal(log.filter((one) => one === 'read a').length, 3)
  t.same(await idsOf(search), ['1', '0'])
})

test('only files of days that are asked for are looked at', async (t) => {
  const folder = createDirectory(t)
  for (const name of ['2026-03-01', '2026-03-01.2', '2026-03-02', '2026-03-03']) {
    writeFileSync(join(folder, `${name}.jsonl`), '')
  }
  const asked = async (filter: RecordFilter, last?: string) =>
    (await filesAsked(folder, filter, last)).map((one) => `${one.day} ${one.sources.length}`)
  t.same(await asked({}), ['2026-03-01 2', '2026-03-02 1', '2026-03-03 1'])
  t.same(await asked({ from: '2026-03-02T23:00:00.000Z' }), ['2026-03-02 1', '2026-03-03 1'])
  t.same(await asked({ to: '2026-03-02T00:00:00.000Z' }), ['2026-03-01 2', '2026-03-02 1'])
  t.same(await asked({}, '2026-03-02'), ['2026-03-01 2', '2026-03-02 1'])
  t.same(await asked({}, '2026-02-01'), [])
})

test('of two searches the first gives what is of the same time, then the second, newest first', async (t) => {
  const first = searchIn([day(sourceOf('a', [[1], [3, 3]]))])
  const second = searchIn([day(sourceOf('b', [[2], [3], [4]]))])
  const order: string[] = []
  const telling = (name: string, { step, ...rest }: Search): Search => ({
    ...rest,
    step: async (max, downTo) => {
      const found = await step(max, downTo)
      order.push(...(found ?? []).map(({ requestId }) => `${name}${requestId}`))
      return found
    }
  })
  await idsOf(createBoth(telling('a', first), telling('b', second), () => true))
  t.same(order, ['b4', 'a3', 'a3', 'b3', 'b2', 'a1'])
})
