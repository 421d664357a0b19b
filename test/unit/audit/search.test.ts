/** What is on record is found, newest first, whichever process wrote it, and a search goes on where it stopped. */
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { createAccess } from '../../../src/audit/access.ts'
import { BLOCK } from '../../../src/audit/read-back.ts'
import type { RecordFilter } from '../../../src/audit/record-filter.ts'
import { createBoth, createSearch, filesAsked, type Position } from '../../../src/audit/search.ts'
import type { AuditRecord } from '../../../src/audit/shown-record.ts'
import { createTrail } from '../../../src/audit/trail.ts'
import type { AuditEvent } from '../../../src/core/audit-event.ts'
import { beginAuditKey } from '../../support/audit-key.ts'
import { createDirectory } from '../../support/embedded.ts'

const NOON = Date.parse('2026-03-01T12:00:00.000Z')
const DAY_MS = 86_400_000
const access = createAccess(10_000, () => new Error('late'))

const event = (requestId: string, more: Partial<AuditEvent> = {}): AuditEvent => ({
  action: 'secret.read',
  outcome: 'allowed',
  environment: 'pro',
  client: 'app',
  route: 'GET /v1/secrets',
  requestId,
  reference: 'local:team/db?version=3#password',
  ...more
})

interface Written {
  readonly at: number
  readonly writer?: string
  readonly more?: Partial<AuditEvent>
}

/** One record each, named by its place in the list; each writer is one process. */
const write = async (directory: string, list: readonly Written[]): Promise<string> => {
  const clock = { time: NOON }
  const trails = new Map<string, ReturnType<typeof createTrail>>()
  for (const [i, { at, writer = '', more }] of list.entries()) {
    clock.time = NOON + at
    const trail =
      trails.get(writer) ??
      createTrail({
        directory,
        writer: writer || undefined,
        beginKey: beginAuditKey,
        now: () => clock.time,
        fsync: false
      })
    trails.set(writer, trail)
    await trail.append(event(String(i), more))
  }
  for (const trail of trails.values()) await trail.close()
  return join(directory, 'audit')
}

interface Found {
  readonly records: readonly AuditRecord[]
  readonly ids: readonly (string | undefined)[]
  readonly position: Position | undefined
  readonly skipped: number
  readonly files: readonly string[]
  readonly steps: number
}

const find = async (
  folder: string,
  filter: RecordFilter = {},
  { limit = Number.POSITIVE_INFINITY, position }: { limit?: number; position?: Position } = {}
): Promise<Found> => {
  const search = createSearch({
    sources: () => filesAsked(folder, filter, position?.day),
    filter,
    position,
    access
  })
  const records: AuditRecord[] = []
  let steps = 0
  try {
    while (records.length < limit) {
      const found = await search.step(limit - records.length)
      steps++
      if (found === undefined) break
      records.push(...found)
    }
    const { skipped, unread: files } = search.seen()
    const ids = records.map(({ requestId }) => requestId)
    return { records, ids, position: search.position(), skipped, files, steps }
  } finally {
    await search.close()
  }
}

test('records of several processes and days come newest first, in one order', async (t) => {
  const list = [
    { at: 0, writer: '1' },
    { at: 10, writer: '2' },
    { at: 20, writer: '1' },
    { at: 30, writer: 'cli' },
    { at: DAY_MS, writer: '2' },
    { at: DAY_MS + 5, writer: '1' },
    { at: 3 * DAY_MS, writer: '2' }
  ]
  const folder = await write(createDirectory(t), list)
  const { ids, records, position, skipped } = await find(folder)
  t.same(ids, ['6', '5', '4', '3', '2', '1', '0'])
  t.equal(position, undefined, 'there are no more')
  t.equal(skipped, 0, "the chain's own lines are none that cannot be read")
  t.match(records[0], { time: '2026-03-04T12:00:00.000Z', client: 'app', seq: Number })
  t.notOk('digest' in (records[0] ?? {}) || 'mac' in (records[0] ?? {}))
})

test('page by page, whatever their size, every record comes once, also while records are added', async (t) => {
  const list = Array.from({ length: 60 }, (_, i) => ({
    at: i * 7 + (i > 30 ? DAY_MS : 0),
    writer: String(i % 3)
  }))
  for (const limit of [1, 4, 7, 60]) {
    const directory = createDirectory(t)
    const folder = await write(directory, list)
    const ids: (string | undefined)[] = []
    let position: Position | undefined
    for (let page = 0; page < 70; page++) {
      const found = await find(folder, {}, { limit, ...(position && { position }) })
      ids.push(...found.ids)
      position = found.position
      if (position === undefined) break
      // What comes meanwhile is newer than all that is still asked for.
      await write(directory, [
        { at: DAY_MS * 2, writer: '0' },
        { at: DAY_MS + 500, writer: '9' }
      ])
      position = JSON.parse(JSON.stringify(position))
    }
    t.same(ids, list.map((_, i) => String(i)).reverse(), `${limit} a page`)
  }
})

test('a filter finds what it names and nothing else', async (t) => {
  const folder = await write(createDirectory(t), [
    { at: 0, more: { keyId: 'k1' } },
    { at: 1, more: { client: 'other', reference: 'local:team/dbx' } },
    { at: 2, more: { outcome: 'denied', code: 'access_denied', reference: 'local:team/db' } },
    { at: 3, more: { action: 'key.issue', reference: undefined } },
    { at: 4, more: { reference: 'local:team/db#user' } },
    { at: 5, more: { reference: 'local:team/a%2Ab', client: 'app"x' } },
    { at: DAY_MS, more: { reference: 'aws:team/db' } }
  ])
  const ids = async (filter: RecordFilter) => (await find(folder, filter)).ids
  t.same(await ids({ client: 'other' }), ['1'])
  t.same(await ids({ client: 'app"x' }), ['5'], 'also what is escaped in a line')
  t.same(await ids({ keyId: 'k1' }), ['0'])
  t.same(await ids({ outcome: 'denied' }), ['2'])
  t.same(await ids({ outcome: 'denied', client: 'other' }), [])
  t.same(await ids({ action: 'key.issue' }), ['3'])
  t.same(await ids({ reference: 'local:team/db' }), ['4', '2', '0'], 'any version and field')
  t.same(await ids({ reference: 'local:team/db#user' }), ['4'])
  t.same(await ids({ reference: 'local:team/db#password' }), ['0'], 'that field of any version')
  t.same(await ids({ reference: 'local:team/db?version=3' }), ['0'])
  t.same(await ids({ reference: 'local:team/db?version=2#password' }), [])
  const seen: unknown[] = []
  const isMatching = (secret: unknown) => seen.push(secret) > 0
  t.same(await ids({ isMatching, to: '2026-03-01T12:00:00.005Z' }), ['5', '4', '2', '1', '0'])
  t.match(
    seen,
    [
      { store: 'local', path: 'team/a*b' },
      { store: 'local', path: 'team/db', field: 'user' },
      { path: 'team/db' },
      { path: 'team/dbx' },
      { path: 'team/db', field: 'password' }
    ].reverse()
  )
  t.same(await ids({ from: '2026-03-01T12:00:00.003Z', to: '2026-03-01T12:00:00.004Z' }), [
    '4',
    '3'
  ])
  t.same(await ids({ from: '2026-03-02T00:00:00.000Z' }), ['6'])
})

test('lines that are cut, foreign or too long are skipped and counted, and files that cannot be read are named', async (t) => {
  const directory = createDirectory(t)
  const folder = await write(directory, [{ at: 0 }, { at: 1 }])
  const path = join(folder, '2026-03-01.jsonl')
  const text = readFileSync(path, 'utf8')
  const [head = '', first = '', second = ''] = text.split('\n')
  const long = `{"time":"2026-03-01T12:00:00.000Z",${'x'.repeat(3 * BLOCK)}}`
  writeFileSync(
    path,
    [
      head,
      first,
      first.slice(0, 90),
      '',
      'not ours',
      '{"time":"2026-03-01T12:00:00.000Z","action":7}',
      '{"time":"2026-03-01T12:00:00.000Z","action":}',
      long,
      second,
      second.slice(0, 40)
    ].join('\n')
  )
  mkdirSync(join(folder, '2026-03-02.jsonl'))
  const found = await find(folder)
  t.same(found.ids, ['1', '0'])
  t.equal(found.skipped, 5, 'a last line without its end is one that is being written')
  t.same(found.files, ['2026-03-02.jsonl'])
})

test('a cursor of another trail is refused, one of a file that is gone goes on with the others', async (t) => {
  const [one, other] = [createDirectory(t), createDirectory(t)]
  const list = [{ at: 0 }, { at: 1 }, { at: 2 }]
  const folder = await write(one, list)
  const { position } = await find(folder, {}, { limit: 1 })
  if (position === undefined) throw new Error('there are two more')
  await t.rejects(find(await write(other, list), {}, { position }), { code: 'invalid_request' })
  rmSync(join(folder, '2026-03-01.jsonl'))
  t.same((await find(folder, {}, { position })).ids, [])
})

const padded = (t: Test, lines: number): string => {
  const folder = join(createDirectory(t), 'audit')
  mkdirSync(folder)
  for (let i = 0; i < lines; i += 1_000) {
    let text = ''
    for (let k = i; k < i + 1_000; k++) {
      const time = new Date(NOON + k).toISOString()
      text += `{"time":"${time}","action":"secret.read","outcome":"allowed","client":"c${k % 97}","requestId":"${k}","reference":"local:${'p'.repeat(200)}/${k}"}\n`
    }
    appendFileSync(join(folder, '2026-03-01.jsonl'), text)
  }
  return folder
}

test('across many blocks no line is missed or given twice, and each step is one block', async (t) => {
  const folder = padded(t, 3_000)
  const all = await find(folder)
  t.same(
    all.ids,
    Array.from({ length: 3_000 }, (_, i) => String(2_999 - i))
  )
  t.ok(all.steps > 20, 'one block a step')
  const few = await find(folder, { client: 'c96' })
  t.equal(few.ids.length, 30)
  t.same(
    few.ids.map((id) => Number(id) % 97),
    Array(30).fill(96)
  )
  const recent = await find(folder, { from: '2026-03-01T12:00:02.990Z' })
  t.equal(recent.ids.length, 10)
})

test('two searches are one, newest first, and what both have comes once', async (t) => {
  const [one, other] = [createDirectory(t), createDirectory(t)]
  const at = (...minutes: number[]): Written[] => minutes.map((minute) => ({ at: minute * 60_000 }))
  const folders = [await write(one, at(1, 3, 5, 7)), await write(other, at(2, 3, 6))]
  const searchIn = (folder: string) =>
    createSearch({
      sources: () => filesAsked(folder, {}),
      filter: {},
      position: undefined,
      access
    })
  const timesOf = async (order: readonly string[], size: number) => {
    const [first = '', second = ''] = order
    const given = new Set<string | undefined>()
    const both = createBoth(searchIn(first), searchIn(second), ({ time }) => {
      const isNew = !given.has(time)
      given.add(time)
      return isNew
    })
    const minutes: number[] = []
    for (;;) {
      const found = await both.step(size)
      if (found === undefined) return minutes
      t.ok(found.length <= size)
      for (const { time } of found) minutes.push((Date.parse(time) - NOON) / 60_000)
    }
  }
  for (const size of [1, 2, 100]) {
    t.strictSame(await timesOf(folders, size), [7, 6, 5, 3, 2, 1])
    t.strictSame(await timesOf(folders.toReversed(), size), [7, 6, 5, 3, 2, 1])
  }
  const [empty, only = ''] = [createDirectory(t), folders[1]]
  t.strictSame(await timesOf([empty, only], 10), [6, 3, 2])
  t.strictSame(await timesOf([only, empty], 10), [6, 3, 2])
})
