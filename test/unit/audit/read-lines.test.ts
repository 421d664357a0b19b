/** Lines of files of any size come whole, once and in little memory. */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import {
  createLineReader,
  LINE_MAX,
  openRegular,
  readLines,
  readPieces
} from '../../../src/audit/read-lines.ts'
import { createDirectory } from '../../support/embedded.ts'

const PIECE = 256 * 1024

const fileOf = (t: Test, text: string): string => {
  const path = join(createDirectory(t), 'lines')
  writeFileSync(path, text)
  return path
}

const linesOf = async (path: string) => {
  const lines: string[] = []
  const numbers: number[] = []
  const bytes = await readLines(path, (line, number) => {
    lines.push(String(line))
    numbers.push(number)
  })
  return { lines, numbers, bytes }
}

test('lines come with their numbers, and the last one also without its line feed', async (t) => {
  t.strictSame(await linesOf(fileOf(t, 'a\n\nbcd\ne')), {
    lines: ['a', '', 'bcd', 'e'],
    numbers: [1, 2, 3, 4],
    bytes: 9
  })
  t.strictSame(await linesOf(fileOf(t, '')), { lines: [], numbers: [], bytes: 0 })
  t.strictSame((await linesOf(fileOf(t, 'a\n'))).bytes, 2)
})

test('lines across several pieces come whole, wherever a piece ends', async (t) => {
  for (const length of [1_000, 1_023, 1_024, 60_001]) {
    const count = Math.ceil((3 * PIECE) / length)
    const all = Array.from({ length: count }, (_, i) => String(i).padEnd(length - 1, 'x'))
    const { lines, bytes } = await linesOf(fileOf(t, `${all.join('\n')}\n`))
    t.ok(lines.join() === all.join(), `lines of ${length}`)
    t.equal(bytes, count * length)
  }
})

test('of a line that is too long its beginning is held, and the next one comes whole', async (t) => {
  const long = 'y'.repeat(3 * PIECE + 17)
  const { lines, numbers } = await linesOf(fileOf(t, `first\n${long}\nnext\n`))
  t.strictSame(numbers, [1, 2, 3])
  t.strictSame([lines[0], lines[2]], ['first', 'next'])
  t.ok(long.startsWith(lines[1] ?? 'x'))
  // What is held, and what of the last piece stands before the line feed.
  t.ok((lines[1]?.length ?? 0) >= LINE_MAX && (lines[1]?.length ?? 0) <= LINE_MAX + PIECE)
  const handle = await openRegular(fileOf(t, long))
  t.teardown(() => handle.close())
  const reader = createLineReader(handle)
  while ((await reader.next()) !== undefined) t.ok(reader.rest().length <= LINE_MAX)
  t.equal(reader.rest().length, LINE_MAX)
  t.equal(reader.size(), long.length)
})

test('a file is read on from where it ended, once it is longer', async (t) => {
  const path = fileOf(t, 'a\nbeg')
  const handle = await openRegular(path)
  t.teardown(() => handle.close())
  const reader = createLineReader(handle)
  const next = async () => (await reader.next())?.map(String)
  t.strictSame([await next(), reader.rest().toString(), reader.size()], [['a'], 'beg', 5])
  t.equal(await next(), undefined)
  appendFileSync(path, 'un\nc\n')
  t.strictSame([await next(), reader.rest().toString(), reader.size()], [['begun', 'c'], '', 10])
  t.equal(await next(), undefined)
})

test('pieces come one by one, the rest at the end, and a folder is no file', async (t) => {
  const pieces: number[] = []
  const path = fileOf(t, `${'z\n'.repeat(PIECE)}end`)
  for await (const lines of readPieces(path)) pieces.push(lines.length)
  t.strictSame(pieces, [PIECE / 2, PIECE / 2, 0, 1])
  const folder = join(createDirectory(t), 'folder')
  mkdirSync(folder)
  await t.rejects(openRegular(folder), { message: 'is no regular file' })
  await t.rejects(readLines(folder, () => {}))
})
