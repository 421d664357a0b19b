/** The embedded state keeps the contract of every state, and several processes may work on one directory. */
import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { type Test, test } from 'tap'
import { createEmbeddedState } from '../../../src/state/embedded.ts'
import { stateSuite } from '../../contract/state-suite.ts'
import { createDirectory, openState } from '../../support/embedded.ts'
import { increment } from '../../support/increment.ts'

const OTHER_PROCESS = fileURLToPath(new URL('../../support/state-process.js', import.meta.url))

void stateSuite('the embedded state', async (t) => {
  const directory = createDirectory(t)
  return { first: openState(t, directory), second: openState(t, directory) }
})

const start = (
  t: Test,
  directory: string,
  ...args: string[]
): { child: ChildProcess; exited: Promise<unknown[]> } => {
  const child = fork(OTHER_PROCESS, [directory, ...args])
  t.teardown(() => child.kill('SIGKILL'))
  return { child, exited: once(child, 'exit') }
}

test('two processes racing for 200 increments lose none', async (t) => {
  const directory = createDirectory(t)
  const state = openState(t, directory)
  const { child, exited } = start(t, directory, 'increment', '100')
  await once(child, 'message')
  child.send('go')
  for (let i = 0; i < 100; i++) await increment(state, 'counter')
  const [code] = await exited
  t.equal(code, 0)
  t.equal(state.getSync?.('counter')?.toString(), '200')
})

test('what another process wrote is seen by the next read, also when the file had to grow', async (t) => {
  const directory = createDirectory(t)
  const state = openState(t, directory)
  await state.compareAndSet('mine', undefined, Buffer.from('1'))
  t.equal(state.getSync?.('grown/99'), undefined)
  const [code] = await start(t, directory, 'grow', '100').exited
  t.equal(code, 0)
  t.ok(state.getSync?.('grown/99')?.equals(Buffer.alloc(100_000, 99)))
  t.equal(state.getSync?.('mine')?.toString(), '1')
  t.equal(await state.compareAndSet('mine', Buffer.from('1'), Buffer.alloc(200_000)), true)
})

test('what another process wrote is seen within the same turn of the event loop, as soon as anything was awaited', async (t) => {
  const directory = createDirectory(t)
  const state = openState(t, directory)
  t.equal(state.getSync?.('grown/0'), undefined)
  t.equal(spawnSync(process.execPath, [OTHER_PROCESS, directory, 'grow', '1']).status, 0)
  t.equal(state.getSync?.('grown/0'), undefined, 'what is read in a row is of one moment')
  let isSameTurn = true
  setImmediate(() => {
    isSameTurn = false
  })
  await undefined
  t.equal(state.getSync?.('grown/0')?.length, 100_000)
  t.equal(
    state.peekSync?.(Buffer.from('grown/0'), (bytes) => bytes.length),
    100_000
  )
  t.ok(isSameTurn)
})

test('a change that was reported outlives a killed process, which blocks nobody', async (t) => {
  const directory = createDirectory(t)
  const state = openState(t, directory)
  const { child, exited } = start(t, directory, 'answer')
  await once(child, 'message')
  child.kill('SIGKILL')
  await exited
  t.equal(state.getSync?.('durable')?.toString(), 'yes')
  t.equal(await state.compareAndSet('next', undefined, Buffer.from('1')), true)
})

test('a state is found again when it is opened anew', async (t) => {
  const directory = createDirectory(t)
  const before = openState(t, directory)
  await before.compareAndSet('k', undefined, Buffer.from('1'))
  await before.close()
  t.equal((await openState(t, directory).get('k'))?.toString(), '1')
})

test('folder and files are for their owner alone, whatever the umask', async (t) => {
  const directory = createDirectory(t)
  const umask = process.umask(0)
  t.teardown(() => process.umask(umask))
  openState(t, directory)
  const folder = join(directory, 'state')
  t.equal(statSync(folder).mode & 0o777, 0o700)
  const files = readdirSync(folder)
  t.ok(files.length > 0)
  for (const file of files) t.equal(statSync(join(folder, file)).mode & 0o777, 0o600, file)
})

test('a folder that cannot be used is an error that names it, not the end of the process', async (t) => {
  const folderOf = async (spoil: (folder: string) => void): Promise<string> => {
    const directory = createDirectory(t)
    await openState(t, directory).close()
    spoil(join(directory, 'state'))
    return directory
  }
  const data = (folder: string): string => join(folder, 'data.mdb')
  const replaced = (folder: string): void => {
    rmSync(folder, { recursive: true })
    writeFileSync(folder, '')
  }
  const cases: readonly (readonly [RegExp, (folder: string) => void])[] = [
    [/EEXIST/, replaced],
    [/data.mdb is not a database/, (folder) => writeFileSync(data(folder), Buffer.alloc(8_192, 7))],
    [/data.mdb is not a database/, (folder) => writeFileSync(data(folder), 'cut off')],
    [/data.mdb is not a database/, (folder) => rmSync(data(folder)) ?? mkdirSync(data(folder))]
  ]
  for (const [reason, spoil] of cases) {
    const directory = await folderOf(spoil)
    t.throws(() => createEmbeddedState(directory), reason)
    t.throws(
      () => createEmbeddedState(directory),
      new RegExp(`the folder ${directory}/state cannot be used: `)
    )
  }
})

test('a copy is the state at one moment, while others go on writing', async (t) => {
  const directory = createDirectory(t)
  const state = openState(t, directory)
  const put = async (key: string, value: number): Promise<void> => {
    await state.compareAndSet(key, await state.get(key), Buffer.from(String(value)))
  }
  // Much enough that a copy takes a while; `first` is always written before `second`.
  for (let n = 0; n < 20; n++) await state.compareAndSet(`much/${n}`, undefined, Buffer.alloc(1e6))
  await put('first', 0)
  await put('second', 0)
  let isOver = false
  let written = 0
  const writing = (async () => {
    while (!isOver) {
      written++
      await put('first', written)
      await put('second', written)
    }
  })()
  const copies = createDirectory(t)
  for (let n = 0; n < 3; n++) {
    const before = written
    const folder = join(copies, String(n), 'state')
    mkdirSync(folder, { recursive: true })
    await state.copyTo?.(folder)
    t.equal(statSync(join(folder, 'data.mdb')).mode & 0o777, 0o600)
    const copy = openState(t, join(copies, String(n)))
    const [first, second] = await Promise.all([copy.get('first'), copy.get('second')])
    const apart = Number(first) - Number(second)
    t.ok(apart === 0 || apart === 1, `${first} ${second}`)
    t.ok(Number(first) >= before - 1, 'and no earlier one')
  }
  isOver = true
  await writing
  t.ok(written > 3, 'others were not held up')
  const inTheWay = join(copies, 'none')
  await t.rejects(async () => state.copyTo?.(inTheWay), /cannot be copied to /)
})

const isRoot = process.getuid?.() === 0 && 'root may write anywhere'
test('a folder or file of somebody else is an error', { skip: isRoot }, async (t) => {
  const directory = createDirectory(t)
  await openState(t, directory).close()
  chmodSync(join(directory, 'state', 'lock.mdb'), 0o000)
  t.throws(() => createEmbeddedState(directory), /cannot be used: EACCES/)
  chmodSync(join(directory, 'state'), 0o500)
  t.throws(() => createEmbeddedState(directory), /cannot be used: EACCES/)
  chmodSync(join(directory, 'state'), 0o700)
})

const noUlimit = process.platform === 'win32' && 'no limit on the size of files here'
test('a full disk fails one write, and nothing else', { skip: noUlimit }, async (t) => {
  const directory = createDirectory(t)
  // 512-byte blocks; without the trap the limit ends the process.
  const limited = `trap '' XFSZ; ulimit -f 1000; exec "$0" "$@"`
  const child = spawn('sh', ['-c', limited, process.execPath, OTHER_PROCESS, directory, 'fill'])
  t.teardown(() => child.kill('SIGKILL'))
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  t.match(
    output,
    /^the folder .* cannot be written: Input\/output error\nread 100000\nwritten true\n$/
  )
  t.equal(code, 0)
})
