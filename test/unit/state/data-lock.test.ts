import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { holdDirectory } from '../../../src/state/data-lock.ts'
import { createDirectory } from '../../support/embedded.ts'

test('a data folder is held by one at a time, and told by its name to the other', async (t) => {
  const folder = join(createDirectory(t), 'data')
  const { isHeld, release } = await holdDirectory(folder)
  t.ok(isHeld)
  await t.rejects(holdDirectory(folder), {
    message: `another service works on the data folder ${folder}: end it, or give each its own DATA_DIR`
  })
  release()
  t.strictSame(readdirSync(folder), [], 'nothing is left of it')
  const again = await holdDirectory(folder)
  t.ok(again.isHeld)
  again.release()
})

test('a folder with a long name is held as well, in whatever alphabet it is written', async (t) => {
  const parent = createDirectory(t)
  for (const name of ['a'.repeat(200), 'ж'.repeat(Math.max(20, 64 - parent.length))]) {
    const folder = join(parent, name)
    const { isHeld, release } = await holdDirectory(folder)
    t.ok(isHeld, name)
    await t.rejects(holdDirectory(folder), { message: /another service/ })
    release()
  }
})

test('what a dead process left is taken over by one of all who try', async (t) => {
  for (let round = 0; round < 10; round++) {
    const folder = createDirectory(t)
    writeFileSync(join(folder, `service.${'0'.repeat(8)}.lock`), '')
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => holdDirectory(folder)))
    const held = tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    t.strictSame(
      held.map(({ isHeld }) => isHeld),
      [true]
    )
    await t.rejects(holdDirectory(folder), { message: /another service works/ })
    t.equal(readdirSync(folder).length, 1)
    for (const { release } of held) release()
  }
})

test('a long path is no hindrance', async (t) => {
  const folder = join(createDirectory(t), 'long'.repeat(40), 'long'.repeat(20))
  mkdirSync(folder, { recursive: true })
  const { isHeld, release } = await holdDirectory(folder)
  t.ok(isHeld)
  t.equal(readdirSync(folder).length, 1)
  await t.rejects(holdDirectory(folder), { message: /another service works/ })
  release()
  t.strictSame(readdirSync(folder), [])
})

test('a folder that cannot be had is left to whoever needs it', async (t) => {
  const file = join(createDirectory(t), 'file')
  writeFileSync(file, '')
  t.match(await holdDirectory(file), { isHeld: false })
})
