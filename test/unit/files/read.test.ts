// What a setting names is a regular file of a bounded size, or it is refused at once.
import { spawnSync } from 'node:child_process'
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { readFileBytes, readFileBytesSync, UnfitFile } from '../../../src/files/read.ts'

const noPipes = process.platform === 'win32' && 'no pipes with a name here'

const outcomes = async (path: string): Promise<unknown[]> => [
  await readFileBytes(path).catch((error: unknown) => error),
  (() => {
    try {
      return readFileBytesSync(path)
    } catch (error) {
      return error
    }
  })()
]

test('a regular file and a link to one are read whole', async (t) => {
  const folder = t.testdir()
  const bytes = Buffer.alloc(200_000, 'abc')
  writeFileSync(join(folder, 'file'), bytes)
  writeFileSync(join(folder, 'empty'), '')
  // As Kubernetes mounts a secret: a link through a link to a folder.
  mkdirSync(join(folder, '..2026'))
  writeFileSync(join(folder, '..2026', 'token'), 'mounted')
  symlinkSync('..2026', join(folder, '..data'))
  symlinkSync('..data/token', join(folder, 'token'))
  t.strictSame(await outcomes(join(folder, 'file')), [bytes, bytes])
  t.strictSame(await outcomes(join(folder, 'empty')), [Buffer.alloc(0), Buffer.alloc(0)])
  const mounted = Buffer.from('mounted')
  t.strictSame(await outcomes(join(folder, 'token')), [mounted, mounted])
})

test('a pipe, a device and a folder are refused, also behind a link', {
  skip: noPipes
}, async (t) => {
  const folder = t.testdir()
  const pipe = join(folder, 'pipe')
  t.equal(spawnSync('mkfifo', [pipe]).status, 0)
  symlinkSync(pipe, join(folder, 'link'))
  for (const path of [pipe, join(folder, 'link'), '/dev/zero', '/dev/null', '/dev/tty', folder]) {
    for (const outcome of await outcomes(path)) {
      t.ok(outcome instanceof UnfitFile, path)
      t.equal((outcome as Error).message, 'is no regular file', path)
    }
  }
})

test('what is longer than it may be is refused, and what is missing keeps its code', async (t) => {
  const folder = t.testdir()
  const path = join(folder, 'long')
  writeFileSync(path, '')
  truncateSync(path, 16 * 1024 * 1024)
  for (const outcome of await outcomes(path)) t.ok(Buffer.isBuffer(outcome))
  truncateSync(path, 2 ** 40)
  for (const outcome of await outcomes(path)) {
    t.equal((outcome as Error).message, 'is longer than 16 MiB')
  }
  for (const outcome of await outcomes(join(folder, 'none'))) t.match(outcome, { code: 'ENOENT' })
})
