/** Standard output as a place for lines: in pieces that a pipe takes whole, and waited for where it is full. */
import { spawnSync } from 'node:child_process'
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'tap'
import { isFull, piecesOf, stdoutTarget } from '../../../src/audit/stdout.ts'
import { createDirectory } from '../../support/embedded.ts'

test('lines go to a pipe in pieces that it takes whole, and none is divided that need not be', (t) => {
  const line = (length: number) => `${'x'.repeat(length - 1)}\n`
  for (const lengths of [
    [1],
    [4_096],
    [4_097],
    [5_000, 10],
    [10, 5_000, 10],
    [4_000, 97, 10],
    [4_000, 96, 10],
    [1, 5_000],
    Array(100).fill(450)
  ]) {
    const text = lengths.map(line).join('')
    const pieces = piecesOf(text)
    t.equal(Buffer.concat(pieces).toString(), text)
    for (const piece of pieces) {
      t.equal(piece.at(-1), 0x0a, 'ends with a line')
      t.ok(piece.length <= 4_096 || piece.indexOf('\n') === piece.length - 1)
    }
  }
  t.equal(piecesOf(Array(100).fill(line(450)).join('')).length, 12, 'as many lines as fit')
  t.end()
})

test('where the last line has no end it is a piece with those before it, if all of them have room', (t) => {
  const pieces = (text: string) => piecesOf(text).map(({ length }) => length)
  t.strictSame(pieces(''), [])
  t.strictSame(pieces('a\nb'), [3])
  t.strictSame(pieces(`a\n${'x'.repeat(4_094)}`), [4_096])
  t.strictSame(pieces(`a\n${'x'.repeat(4_095)}`), [2, 4_095])
  t.strictSame(pieces('x'.repeat(5_000)), [5_000])
  t.strictSame(pieces(`${'x'.repeat(4_999)}\na\nb`), [5_000, 3])
  t.strictSame(pieces(`\n${'x'.repeat(5_000)}\n`), [1, 5_001])
  t.end()
})

test('what a pipe does not take at once it gets whole as soon as somebody reads, and a pipe that is gone is a failure', async (t) => {
  const path = join(createDirectory(t), 'pipe')
  if (spawnSync('mkfifo', [path]).status !== 0) return
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
  const target = stdoutTarget(writer)
  t.equal(target.name, 'stdout')
  // It is full before the first of it.
  let filled = 0
  try {
    while (filled >= 0) filled += writeSync(writer, Buffer.alloc(4_096, ' '))
  } catch (error) {
    t.equal(isFull(error), true)
  }
  const text = Array.from({ length: 400 }, (_, i) => `${String(i).padEnd(499, 'x')}\n`).join('')
  let isDone = false
  const appended = target.append('2026-03-01', text).then(() => {
    isDone = true
  })
  for (let i = 0; i < 50; i++) await turn()
  const bytes = Buffer.alloc(65_536)
  let read = ''
  const until = performance.now() + 10_000
  while (!isDone && performance.now() < until) {
    try {
      read += bytes.toString('utf8', 0, readSync(reader, bytes))
    } catch (error) {
      t.equal(isFull(error), true)
    }
    await turn()
  }
  await appended
  try {
    read += bytes.toString('utf8', 0, readSync(reader, bytes))
  } catch {
    // Nothing is left.
  }
  t.equal(read.slice(filled), text)
  closeSync(reader)
  await t.rejects(target.append('2026-03-01', 'x\n'), { code: 'EPIPE' })
  t.equal(isFull(new Error('x')), false)
  await target.forget()
  closeSync(writer)
})
