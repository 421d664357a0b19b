// A folder is made with those above it, for their owner alone, or it is told why not; nobody tries for ever.
import { existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { makeFolder, makeFolderSync } from '../../../src/files/folder.ts'

const both = [async (path: string): Promise<void> => makeFolderSync(path), makeFolder]

test('a folder is made with those above it, and one that is there stays as it is', async (t) => {
  for (const make of both) {
    const folder = t.testdir()
    const path = join(folder, 'a', 'b', 'c')
    await Promise.all([make(path), make(path)])
    for (const name of ['a', 'a/b', 'a/b/c']) {
      t.equal(statSync(join(folder, name)).mode & 0o777, 0o700, name)
    }
    mkdirSync(join(folder, 'there'), { mode: 0o755 })
    symlinkSync('there', join(folder, 'link'))
    await make(join(folder, 'link'))
    t.equal(statSync(join(folder, 'there')).mode & 0o777, 0o755)
  }
})

test('what cannot be made is told', async (t) => {
  for (const make of both) {
    const folder = t.testdir()
    writeFileSync(join(folder, 'file'), '')
    symlinkSync('nowhere', join(folder, 'dangling'))
    await t.rejects(make(join(folder, 'file')), { code: 'EEXIST' })
    await t.rejects(make(join(folder, 'file', 'below')), { code: 'ENOTDIR' })
    await t.rejects(make(join(folder, 'dangling')), { code: 'ENOENT' })
  }
})

test('below /proc too', { skip: !existsSync('/proc/self') && 'no /proc here' }, async (t) => {
  for (const make of both) await t.rejects(make('/proc/none/such'), { code: 'ENOENT' })
})
