// Secrets as files.
import {
  chmodSync,
  chownSync,
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

/** Without the mark of a run. */
const visible = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => !name.startsWith('.'))
    .sort()

const make = (allowDisk = false, groupFolders: string[] = []) =>
  createFileSet({ allowDisk, groupFolders })

test('files are for their owner alone, whole, and gone at the end with the folders that were made', async (t) => {
  if (!hasMemory) return t.plan(0, 'there is no /dev/shm here')
  const folder = folderIn(t)
  const files = make()
  const [a, b] = [join(folder, 'a'), join(folder, 'deep/er/b')]
  await files.replace(setOf({ [a]: 'one', [b]: '' }))
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
  await files.replace(setOf({ [a]: '1', [b]: '2' }))
  const before = lstatSync(a).ino
  await files.replace(setOf({ [a]: '3', [c]: '4' }))
  t.strictSame(visible(folder), ['a', 'c'])
  t.equal(readFileSync(a, 'utf8'), '3')
  t.not(lstatSync(a).ino, before, 'it is another file, moved there')
})

test('of a set that cannot be put into all of its places none is, and the former one stays', async (t) => {
  if (!hasMemory) return t.plan(0, 'there is no /dev/shm here')
  const folder = folderIn(t)
  // Who may do anything is kept from nothing.
  const { geteuid, seteuid } = process
  const isRoot = geteuid?.() === 0
  if (isRoot) {
    chmodSync(folder, 0o777)
    seteuid?.(65_534)
    t.teardown(() => seteuid?.(0))
  }
  const [one, two] = [join(folder, 'one'), join(folder, 'two')]
  const [a, b, c] = [join(one, 'a'), join(one, 'b'), join(two, 'c')]
  const files = make()
  await files.replace(setOf({ [a]: '1', [c]: '3' }))
  chmodSync(two, 0o500)
  await t.rejects(files.replace(setOf({ [a]: 'x', [b]: 'x', [c]: 'x' })), { message: /EACCES/ })
  t.strictSame([visible(one), visible(two)], [['a'], ['c']])
  t.strictSame([readFileSync(a, 'utf8'), readFileSync(c, 'utf8')], ['1', '3'])
  chmodSync(two, 0o700)
  await files.replace(setOf({ [a]: '4', [b]: '5', [c]: '6' }))
  t.equal(readFileSync(c, 'utf8'), '6')
  files.remove()
  t.strictSame(readdirSync(folder), [])
})

test('what stands there already and is not of this run is refused, and stays as it is', async (t) => {
  if (!hasMemory) return t.plan(0, 'there is no /dev/shm here')
  const folder = folderIn(t)
  const target = join(folder, 'target')
  writeFileSync(target, 'untouched')
  symlinkSync(target, join(folder, 'link'))
  symlinkSync(join(folder, 'nowhere'), join(folder, 'dangling'))
  symlinkSync(folder, join(folder, 'round'))
  const there = readdirSync(folder)
  const first = join(folder, 'a-first')
  for (const name of there) {
    const files = make()
    const set = setOf({ [first]: '1', [join(folder, name)]: '2' })
    await t.rejects(files.replace(set), { message: /stands there already/, exitCode: 125 }, name)
    files.remove()
    t.strictSame(readdirSync(folder), there, 'nothing is written, and nothing gone')
  }
  t.equal(readFileSync(target, 'utf8'), 'untouched')
  t.equal(readlinkSync(join(folder, 'link')), target)
})

test('what others put in the place of a file of this run is neither replaced nor removed', async (t) => {
  if (!hasMemory) return t.plan(0, 'there is no /dev/shm here')
  const folder = folderIn(t)
  const files = make()
  const [a, b] = [join(folder, 'a'), join(folder, 'b')]
  await files.replace(setOf({ [a]: '1', [b]: '1' }))
  rmSync(a)
  writeFileSync(a, 'of others')
  rmSync(b)
  await t.rejects(files.replace(setOf({ [a]: '2', [b]: '2' })), { message: /a: stands there/ })
  t.notOk(existsSync(b), 'nothing of that set')
  await files.replace(setOf({ [b]: '3' }))
  t.equal(readFileSync(b, 'utf8'), '3', 'what was removed comes again')
  files.remove()
  t.equal(readFileSync(a, 'utf8'), 'of others')
  t.strictSame(readdirSync(folder), ['a'])
})

test('a file of another run that goes on is refused', async (t) => {
  if (!hasMemory) return t.plan(0, 'there is no /dev/shm here')
  const folder = folderIn(t)
  const a = join(folder, 'a')
  const [first, second] = [make(), make()]
  await first.replace(setOf({ [a]: '1' }))
  await t.rejects(second.replace(setOf({ [a]: '2' })), {
    message: /a: is a file of another purser/
  })
  second.remove()
  t.equal(readFileSync(a, 'utf8'), '1')
  first.remove()
  t.strictSame(readdirSync(folder), [])
  await make().replace(setOf({ [a]: '2' }))
})

test('after the end nothing is written any more', async (t) => {
  if (!hasMemory) return t.plan(0, 'there is no /dev/shm here')
  const folder = folderIn(t)
  const files = make()
  const replacing = files.replace(setOf({ [join(folder, 'a')]: '1' }))
  files.remove()
  await replacing
  t.strictSame(readdirSync(folder), [])
})

test('in a folder of any length, and two paths to one place are refused', async (t) => {
  if (!hasMemory) return t.plan(0, 'there is no /dev/shm here')
  const folder = folderIn(t)
  const deep = join(folder, 'x'.repeat(200))
  const a = join(deep, 'a')
  const files = make()
  await files.replace(setOf({ [a]: '1' }))
  await t.rejects(make().replace(setOf({ [a]: '2' })), { message: /another purser run/ })
  files.remove()
  t.strictSame(readdirSync(folder), [])
  symlinkSync('.', join(folder, 'same'))
  const twice = setOf({ [join(folder, 'b')]: '1', [join(folder, 'same/b')]: '2' })
  await t.rejects(make().replace(twice), { message: /one place/ })
})

test('the folder of a group is none behind a link', async (t) => {
  if (!hasMemory) return t.plan(0, 'there is no /dev/shm here')
  const folder = folderIn(t)
  mkdirSync(join(folder, 'real'))
  const link = join(folder, 'link')
  symlinkSync('real', link)
  const set = setOf({ [join(link, 'a')]: '1' })
  await t.rejects(make(false, [link]).replace(set), { message: /is a link/, exitCode: 125 })
  t.strictSame(readdirSync(join(folder, 'real')), [])
  await make().replace(set)
  t.equal(readlinkSync(link), 'real', 'a path of the command line may lead through one')
})

test('a folder in memory that another user has made is refused, and what is below it', async (t) => {
  if (!hasMemory || process.getuid?.() !== 0) return t.plan(0, 'only root gives folders away')
  const folder = folderIn(t)
  const foreign = join(folder, 'foreign')
  mkdirSync(foreign)
  chownSync(foreign, 65_534, 65_534)
  mkdirSync(join(foreign, 'mine'))
  symlinkSync('foreign', join(folder, 'link'))
  for (const path of ['foreign/a', 'foreign/new/a', 'foreign/mine/a', 'link/a']) {
    const replaced = make().replace(setOf({ [join(folder, path)]: '1' }))
    await t.rejects(replaced, { message: /belongs to another user/, exitCode: 125 }, path)
  }
  t.strictSame(readdirSync(foreign), ['mine'])
  const onDisk = { allowDisk: true, groupFolders: [], fileSystemOf: () => 0xef53 }
  await createFileSet(onDisk).replace(setOf({ [join(foreign, 'a')]: '1' }))
})

test('nothing of a set that cannot be written whole is there', async (t) => {
  if (!hasMemory) return t.plan(0, 'there is no /dev/shm here')
  const folder = folderIn(t)
  const files = make()
  const [a, b] = [join(folder, 'a'), join(folder, 'b')]
  await files.replace(setOf({ [a]: 'old' }))
  mkdirSync(b)
  await t.rejects(files.replace(setOf({ [a]: 'new', [b]: 'x' })), { message: /b: is a folder/ })
  writeFileSync(join(folder, 'file'), '')
  const below = join(folder, 'file', 'x')
  await t.rejects(files.replace(setOf({ [a]: 'new', [below]: 'x' })), { message: /ENOTDIR|EEXIST/ })
  t.equal(readFileSync(a, 'utf8'), 'old')
  t.strictSame(visible(folder), ['a', 'b', 'file'], 'and nothing beside them')
  files.remove()
  t.notOk(existsSync(a))
})

test('a disk is no place unless the command line says so', async (t) => {
  const folder = createDirectory(t)
  const path = join(folder, 'new', 'a')
  const onDisk = (allowDisk: boolean) =>
    createFileSet({ allowDisk, groupFolders: [], fileSystemOf: () => 0xef53 })
  await t.rejects(onDisk(false).replace(setOf({ [path]: 'x' })), {
    message: /no tmpfs.*--allow-disk/
  })
  t.strictSame(readdirSync(folder), [], 'not even the folder was made')
  t.throws(() => onDisk(false).ownFolder(), { message: /no tmpfs/ })
  await onDisk(true).replace(setOf({ [path]: 'x' }))
  t.equal(readFileSync(path, 'utf8'), 'x')
})

test('a group without a folder has one of its own, for its owner alone', async (t) => {
  if (!hasMemory) return t.plan(0, 'there is no /dev/shm here')
  const files = make()
  const own = files.ownFolder()
  t.equal(files.ownFolder(), own)
  t.equal(statSync(own).mode & 0o777, 0o700)
  await files.replace(setOf({ [join(own, 'a')]: '1' }))
  files.remove()
  t.notOk(existsSync(own))
})
