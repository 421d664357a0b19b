/** Which files of a folder are of the trail, of which day and by whom. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { segmentFilesAt, segmentFilesIn, trailFilesIn } from '../../../src/audit/segments.ts'
import { createDirectory } from '../../support/embedded.ts'

test('files are known by their names, and come in the order of their days', async (t) => {
  const folder = createDirectory(t)
  for (const name of [
    '2026-03-02.jsonl',
    '2026-03-01.jsonl',
    '2026-03-01.12.jsonl',
    '2026-03-01.cli.jsonl',
    'purged.jsonl',
    '2026-03-01.jsonl.gz',
    'x2026-03-01.jsonl',
    '2026-03-01.A.jsonl',
    '2026-03-01..jsonl',
    '2026-3-01.jsonl',
    '2026-03-1.jsonl'
  ]) {
    writeFileSync(join(folder, name), '')
  }
  const files = [
    ['2026-03-01.12.jsonl', '2026-03-01', '12'],
    ['2026-03-01.cli.jsonl', '2026-03-01', 'cli'],
    ['2026-03-01.jsonl', '2026-03-01', undefined],
    ['2026-03-02.jsonl', '2026-03-02', undefined]
  ]
  t.strictSame(
    await segmentFilesIn(folder),
    files.map(([name = '', day, writer]) => ({ name, path: join(folder, name), day, writer }))
  )
  t.strictSame(
    (await trailFilesIn(folder)).map(({ name, path }) => [name, path]),
    [...files.map(([name = '']) => name), 'purged.jsonl'].map((name) => [name, join(folder, name)]),
    'a copy has to have what is kept of purged ones too'
  )
})

test('a folder that is not there has none, and one that is none is an error', async (t) => {
  const folder = createDirectory(t)
  t.strictSame(await segmentFilesIn(join(folder, 'none')), [])
  const file = join(folder, 'handed-on.jsonl')
  writeFileSync(file, '')
  await t.rejects(segmentFilesIn(file), { code: 'ENOTDIR' })
  t.strictSame(await segmentFilesAt(file), {
    files: [{ name: 'handed-on.jsonl', path: file, day: '', writer: undefined }],
    isOneFile: true
  })
  const trail = join(folder, 'audit')
  mkdirSync(trail)
  writeFileSync(join(trail, '2026-03-01.jsonl'), '')
  const { files, isOneFile } = await segmentFilesAt(trail)
  t.strictSame([files.length, isOneFile], [1, false])
  await t.rejects(segmentFilesAt(join(folder, 'a\0b')), { code: 'ERR_INVALID_ARG_VALUE' })
})
