// Secrets as files.
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { createFileSet } from '../../../../src/cli/run/files.ts'
import { Sensitive } from '../../../../src/core/secret.ts'
import { createDirectory } from '../../../support/embedded.ts'

const MEMORY = '/dev/shm'
const hasMemory = existsSync(MEMORY)

const folderIn = (t: Test): string => {
  const folder = mkdtempSync(join(MEMORY, 'purser-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const setOf = (files: Readonly<Record<string, string>>) =>
  new Map(Object.entries(files).map(([path, text]) => [path, new Sensitive(Buffer.from(text))]))

const make = (allowDisk = false, groupFolders: string[] = []) =>
  createFileSet({ allowDisk, groupFolders })

test('files are for their owner alone, whole, and gone at the end with the folders that were made', async (t) => {
  if (!hasMemory) return t.plan(0, 'there is no /dev/shm here')
  const folder = folderIn(t)
  const files = make()
  const [a, b] = [join(folder, 'a'), join(folder, 'deep/er/b')]
  files.replace(setOf({ [a]: 'one', [b]: '' }))
  t.equal(readFileSync(a, 'utf8'), 'one')
  t.equal(statSync(a).mode & 0o7777, 0o600)
  t.equal(statSync(join(folder, 'deep')).mode & 0o777, 0o700)
  t.equal(readFileSync(b, 'utf8'), '')
  writeFileSync(join(folder, 'others'), 'x')
  files.remove()
  t.strictSame(readdirSync(folder), ['others'])
  files.remove()
})

test('a new set takes the place of the former one, and what it has no more is gone', async (t) => {
  if (!hasMemory) return t.plan(0, 'there is no /dev/shm here')
  const folder = folderIn(t)
  const files = make()
  const [a, b, c] = ['a', 'b', 'c'].map((name) => join(folder, name)) as [string, string, string]
  files.replace(setOf({ [a]: '1', [b]: '2' }))
  const before = lstatSync(a).ino
  files.replace(setOf({ [a]: '3', [c]: '4' }))
  t.strictSame(readdirSync(folder).sort(), ['a', 'c'])
  t.equal(readFileSync(a, 'utf8'), '3')
  t.not(lstatSync(a).ino, before, 'it is another file, moved there')
})

test('a link in the place of a file is replaced, not followed', async (t) => {
  if (!hasMemory) return t.plan(0, 'there is no /dev/shm here')
  const folder = folderIn(t)
  const target = join(folder, 'target')
  writeFileSync(target, 'untouched')
  const [a, b, c] = ['a', 'b', 'c'].map((name) => join(folder, name)) as [string, string, string]
  symlinkSync(target, a)
  symlinkSync(join(folder, 'nowhere'), b)
  symlinkSync(folder, c)
  make().replace(setOf({ [a]: '1', [b]: '2', [c]: '3' }))
  t.equal(readFileSync(target, 'utf8'), 'untouched')
  for (const path of [a, b, c]) t.ok(lstatSync(path).isFile(), path)
})

test('the folder of a group is none behind a link', async (t) => {
  if (!hasMemory) return t.plan(0, 'there is no /dev/shm here')
  const folder = folderIn(t)
  mkdirSync(join(folder, 'real'))
  const link = join(folder, 'link')
  symlinkSync('real', link)
  const set = setOf({ [join(link, 'a')]: '1' })
  t.throws(() => make(false, [link]).replace(set), { message: /is a link/, exitCode: 125 })
  t.strictSame(readdirSync(join(folder, 'real')), [])
  make().replace(set)
  t.equal(readlinkSync(link), 'real', 'a path of the command line may lead through one')
})

test('nothing of a set that cannot be written whole is there', async (t) => {
  if (!hasMemory) return t.plan(0, 'there is no /dev/shm here')
  const folder = folderIn(t)
  const files = make()
  const [a, b] = [join(folder, 'a'), join(folder, 'b')]
  files.replace(setOf({ [a]: 'old' }))
  mkdirSync(b)
  t.throws(() => files.replace(setOf({ [a]: 'new', [b]: 'x' })), { message: /b: is a folder/ })
  writeFileSync(join(folder, 'file'), '')
  const below = join(folder, 'file', 'x')
  t.throws(() => files.replace(setOf({ [a]: 'new', [below]: 'x' })), { message: /ENOTDIR|EEXIST/ })
  t.equal(readFileSync(a, 'utf8'), 'old')
  t.strictSame(readdirSync(folder).sort(), ['a', 'b', 'file'], 'and nothing beside them')
  files.remove()
  t.notOk(existsSync(a))
})

test('a disk is no place unless the command line says so', async (t) => {
  const folder = createDirectory(t)
  const path = join(folder, 'new', 'a')
  const onDisk = (allowDisk: boolean) =>
    createFileSet({ allowDisk, groupFolders: [], fileSystemOf: () => 0xef53 })
  t.throws(() => onDisk(false).replace(setOf({ [path]: 'x' })), {
    message: /no tmpfs.*--allow-disk/
  })
  t.strictSame(readdirSync(folder), [], 'not even the folder was made')
  t.throws(() => onDisk(false).ownFolder(), { message: /no tmpfs/ })
  onDisk(true).replace(setOf({ [path]: 'x' }))
  t.equal(readFileSync(path, 'utf8'), 'x')
})

test('a group without a folder has one of its own, for its owner alone', async (t) => {
  if (!hasMemory) return t.plan(0, 'there is no /dev/shm here')
  const files = make()
  const own = files.ownFolder()
  t.equal(files.ownFolder(), own)
  t.equal(statSync(own).mode & 0o777, 0o700)
  files.replace(setOf({ [join(own, 'a')]: '1' }))
  files.remove()
  t.notOk(existsSync(own))
})
