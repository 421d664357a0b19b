/** A file is read from its end block by block, and each line of it is found once, or counted as one that cannot be read. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { BLOCK, findIn, openBack } from '../../../src/audit/read-back.ts'
import type { RecordFilter } from '../../../src/audit/record-filter.ts'
import { createDirectory } from '../../support/embedded.ts'

const timeAt = (second: number): string =>
  `2026-03-01T12:00:${String(second).padStart(2, '0')}.000Z`

const line = (second: number, client = 'app', more = ''): string =>
  `{"time":"${timeAt(second)}","action":"secret.read","outcome":"allowed","client":"${client}","requestId":"${second}"${more}}`

const find = (text: string, filter: RecordFilter = {}, at = 0, needle?: string) => {
  const found = findIn(Buffer.from(text), at, filter, needle ? Buffer.from(needle) : undefined)
  return { ...found, found: found.found.map(({ record, end }) => [record.requestId, end]) }
}

test('of a block each record comes with where its line ends, and the oldest time is told', (t) => {
  const text = `${line(3)}\n\n${line(4)}\n`
  const length = line(3).length
  t.strictSame(find(text, {}, 1_000), {
    found: [
      ['3', 1_000 + length + 1],
      ['4', 1_000 + 2 * length + 3]
    ],
    oldest: timeAt(3),
    skipped: 0
  })
  t.strictSame(find(''), { found: [], oldest: undefined, skipped: 0 })
  t.strictSame(find(line(3)), { found: [], oldest: undefined, skipped: 0 }, 'without its line feed')
  t.end()
})

test('lines that do not begin or end as ours, and those that cannot be parsed, are counted', (t) => {
  for (const wrong of [
    line(2).slice(0, -1),
    line(2).replace('"time"', '"tame"'),
    // Whoever parses them would find a record.
    ` ${line(2)}`,
    `${line(2)} `,
    line(2, 'app', ',"x":}'),
    'not ours'
  ]) {
    const { found, skipped } = find(`${wrong}\n${line(5)}\n`)
    t.strictSame([found.length, skipped], [1, 1], wrong)
  }
  t.end()
})

test('a line of the chain is no record, and nothing that was missed', (t) => {
  const head = `{"time":"${timeAt(1)}","chain":"head","day":"2026-03-01"}`
  t.strictSame(find(`${head}\n${line(2)}\n`), {
    found: [['2', head.length + line(2).length + 2]],
    oldest: timeAt(1),
    skipped: 0
  })
  t.end()
})

test('both ends of a time are within it', (t) => {
  const text = `${[1, 2, 3, 4].map((second) => line(second)).join('\n')}\n`
  const ids = (filter: RecordFilter) => find(text, filter).found.map(([id]) => id)
  t.strictSame(ids({ from: timeAt(2), to: timeAt(3) }), ['2', '3'])
  t.strictSame(ids({ from: timeAt(4) }), ['4'])
  t.strictSame(ids({ to: timeAt(1) }), ['1'])
  t.end()
})

test('only lines with the bytes that are looked for are parsed', (t) => {
  const broken = `{"time":"${timeAt(3)}",nothing of ours}`
  const text = [line(1, 'one'), line(2, 'two'), broken, line(4, 'one'), line(5, 'two'), '']
  const filter = { client: 'one' }
  const { found, skipped, oldest } = find(text.join('\n'), filter, 0, '"client":"one"')
  t.strictSame(
    [found.map(([id]) => id), skipped, oldest],
    [['1', '4'], 0, timeAt(1)],
    'the line between is not looked into'
  )
  t.equal(find(text.join('\n'), filter).skipped, 1)
  t.strictSame(find(text.join('\n'), filter, 0, '"client":"none"').found, [])
  // What is looked for may stand in a line for another reason.
  t.strictSame(
    find(`${line(1, 'x', ',"a":{"client":"one"}')}\n`, filter, 0, '"client":"one"').found,
    []
  )
  t.end()
})

const fileOf = (t: Test, text: string): string => {
  const path = join(createDirectory(t), 'file')
  writeFileSync(path, text)
  return path
}

/** The ids of each block, with its bytes, where the file is read up to then, and what was skipped. */
const blocksOf = async (path: string, from?: number) => {
  const back = await openBack(path, {}, from)
  const blocks: { ids: (string | undefined)[]; bytes: number; end: number; skipped: number }[] = []
  try {
    for (let i = 0; back.end() > 0 && i < 100; i++) {
      const { found, bytes, skipped } = await back.read()
      const ids = found.map(({ record }) => record.requestId)
      blocks.push({ ids, bytes, end: back.end(), skipped })
    }
    return blocks
  } finally {
    await back.close()
  }
}

const wide = (second: number, length: number): string => {
  const bare = line(second, 'app', ',"reference":""').length
  return `${line(second, 'app', `,"reference":"${'r'.repeat(length - bare - 1)}"`)}\n`
}

test('a file of a block or less is read at once, and from where is said', async (t) => {
  const text = wide(1, BLOCK / 2) + wide(2, BLOCK / 2)
  t.strictSame(await blocksOf(fileOf(t, text)), [
    { ids: ['1', '2'], bytes: BLOCK, end: 0, skipped: 0 }
  ])
  t.strictSame(await blocksOf(fileOf(t, text), BLOCK / 2), [
    { ids: ['1'], bytes: BLOCK / 2, end: 0, skipped: 0 }
  ])
  t.strictSame(await blocksOf(fileOf(t, text), 10 * BLOCK), await blocksOf(fileOf(t, text)))
  t.strictSame(await blocksOf(fileOf(t, '')), [])
})

test('a line across two blocks comes with the second, wherever it is cut', async (t) => {
  for (const [first, second] of [
    [100 * 200, 60_000],
    [1_000, BLOCK - 301],
    [1_000, BLOCK - 300],
    [1_000, BLOCK - 1]
  ] as const) {
    const text = wide(1, first) + wide(2, second) + wide(3, 300)
    const blocks = await blocksOf(fileOf(t, text))
    t.strictSame(
      blocks.flatMap(({ ids }) => ids.toReversed()),
      ['3', '2', '1'],
      `${first} and ${second}`
    )
    t.ok(blocks.every(({ skipped, bytes }) => skipped === 0 && bytes <= BLOCK))
  }
})

test('a line longer than a block is counted once, and those around it are found', async (t) => {
  for (const length of [BLOCK + 1, 2 * BLOCK, 3 * BLOCK + 5]) {
    const text = wide(1, 500) + wide(2, length) + wide(3, 500)
    const blocks = await blocksOf(fileOf(t, text))
    t.strictSame(
      [
        blocks.flatMap(({ ids }) => ids.toReversed()),
        blocks.reduce((sum, { skipped }) => sum + skipped, 0)
      ],
      [['3', '1'], 1],
      `${length}`
    )
  }
})

test('a folder is not read', async (t) => {
  const folder = join(createDirectory(t), 'folder')
  mkdirSync(folder)
  await t.rejects(openBack(folder, {}), { message: 'is no regular file' })
})
