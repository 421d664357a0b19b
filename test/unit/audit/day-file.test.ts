/** The file of one day: how it is continued, to whom it is left, and whether it is still the one at its path. */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { fileNameOf, openDayFile } from '../../../src/audit/day-file.ts'
import { dayFiles } from '../../../src/audit/writer.ts'
import { createDirectory } from '../../support/embedded.ts'
import { canCountOpen, openBelow } from '../../support/open-files.ts'

const DAY = '2026-03-01'

const at = (t: Test) => {
  const folder = createDirectory(t)
  const path = join(folder, `${DAY}.jsonl`)
  const open = async (fsync = false) => {
    const file = await openDayFile({ folder, fsync }, DAY)
    t.teardown(() => file.close())
    return file
  }
  return { folder, path, open, text: () => readFileSync(path, 'utf8') }
}

test('what is added begins on a line of its own, and makes no blank one where the last line is whole', async (t) => {
  for (const [before, added, after] of [
    ['', 'x\n', 'x\n'],
    ['a\n', 'x\n', 'a\nx\n'],
    ['a', 'x\n', 'a\nx\n'],
    ['\n', 'x\n', '\nx\n'],
    ['a', '\n', 'a\n']
  ] as const) {
    const { path, open, text } = at(t)
    writeFileSync(path, before)
    const file = await open()
    await file.append(added)
    t.equal(text(), after)
    await file.append('y\n')
    t.equal(text(), `${after}y\n`)
  }
})

test('it has the name of its day, with that of its writer where several write', (t) => {
  t.equal(fileNameOf(DAY, undefined), '2026-03-01.jsonl')
  t.equal(fileNameOf(DAY, 'cli'), '2026-03-01.cli.jsonl')
  t.end()
})

test('it was replaced where another file is at its path, or none', async (t) => {
  for (const fsync of [false, true]) {
    const { path, open } = at(t)
    const file = await open(fsync)
    await file.append('x\n')
    t.equal(await file.wasReplaced(), false)
    renameSync(path, `${path}.1`)
    t.equal(await file.wasReplaced(), true)
    writeFileSync(path, '')
    t.equal(await file.wasReplaced(), true)
    rmSync(path)
    renameSync(`${path}.1`, path)
    t.equal(await file.wasReplaced(), false)
  }
})

test('what is no file keeps its rights, and cannot be waited for as a disk can', async (t) => {
  const { path, open } = at(t)
  if (spawnSync('mkfifo', [path]).status !== 0) return
  chmodSync(path, 0o666)
  const pipe = await open()
  await pipe.append('x\n')
  t.equal(statSync(path).mode & 0o777, 0o666)
  const synced = await open(true)
  await t.rejects(synced.append('x\n'), { code: 'EINVAL' })
})

test('what is in the way of it is told by its code', async (t) => {
  const { path, open } = at(t)
  mkdirSync(path)
  await t.rejects(open(), { code: 'EISDIR' })
})

test('whether it was replaced is looked at once a second, and a file is not opened anew for each write', async (t) => {
  const { folder, path, text } = at(t)
  const clock = { time: 0 }
  const files = dayFiles({ folder, fsync: false, now: () => clock.time })
  t.teardown(files.forget)
  await files.append(DAY, '1\n')
  await files.append(DAY, '2\n')
  renameSync(path, `${path}.1`)
  clock.time += 999
  await files.append(DAY, '3\n')
  t.throws(text, { code: 'ENOENT' })
  clock.time += 1
  await files.append(DAY, '4\n')
  t.equal(text(), '4\n')
  t.equal(readFileSync(`${path}.1`, 'utf8'), '1\n2\n3\n')
  await files.append('2026-03-02', '5\n')
  t.equal(readFileSync(join(folder, '2026-03-02.jsonl'), 'utf8'), '5\n')
  if (canCountOpen) t.equal(openBelow(folder), 1, 'one at a time')
  rmSync(path)
  await files.forget()
  t.equal(openBelow(folder), 0)
  await files.append(DAY, '6\n')
  t.equal(text(), '6\n')
})
