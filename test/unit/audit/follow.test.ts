/** The trail as it grows: across days, processes and what operators do to files. */
import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { followTrail } from '../../../src/audit/follow.ts'
import { createDirectory } from '../../support/embedded.ts'
import { canCountOpen, openBelow } from '../../support/open-files.ts'

/** Runs each step between two looks, and gives what was told after each. */
const told = async (
  folder: string,
  steps: readonly (() => void)[],
  fromStart = false
): Promise<string[][]> => {
  const looks: string[][] = [[]]
  let next = 0
  await followTrail({
    folder,
    since: '2026-03-01',
    fromStart,
    onLine: async (line) => {
      looks.at(-1)?.push(line)
    },
    wait: async () => {
      const step = steps[next++]
      if (step === undefined) return false
      looks.push([])
      step()
      return true
    }
  })
  return looks
}

test('lines of all days and processes come once each, whole, and what was there only if asked for', async (t) => {
  const folder = createDirectory(t)
  const path = (name: string): string => join(folder, name)
  writeFileSync(path('2026-02-28.jsonl'), 'too old\n')
  writeFileSync(path('2026-03-01.jsonl'), 'there\n')
  const looks = await told(folder, [
    () => appendFileSync(path('2026-03-01.jsonl'), 'a\nbegun'),
    () => appendFileSync(path('2026-03-01.jsonl'), ' and ended\n'),
    () => writeFileSync(path('2026-03-02.2.jsonl'), 'worker 2\n'),
    () => {
      appendFileSync(path('2026-03-01.jsonl'), 'late\n')
      writeFileSync(path('2026-03-03.jsonl'), 'next day\n')
    },
    () => appendFileSync(path('2026-03-03.jsonl'), 'last\n\n'),
    () => {}
  ])
  t.strictSame(looks, [
    [],
    ['a'],
    ['begun and ended'],
    ['worker 2'],
    ['late', 'next day'],
    ['last'],
    []
  ])
  t.strictSame((await told(folder, [], true))[0]?.[0], 'there')
})

test('a file that was replaced or cut is read from its beginning, and a folder may come later', async (t) => {
  const folder = join(createDirectory(t), 'audit')
  const path = join(folder, '2026-03-01.jsonl')
  const looks = await told(folder, [
    () => {
      mkdirSync(folder)
      writeFileSync(path, 'one\n')
    },
    () => {
      renameSync(path, `${path}.1`)
      writeFileSync(path, 'two\n')
    },
    () => writeFileSync(path, '3\n'),
    () => rmSync(path)
  ])
  t.strictSame(looks, [[], ['one'], ['two'], ['3'], []])
})

test('files of the last two days are kept open, and none at the end', async (t) => {
  if (!canCountOpen) return
  const folder = createDirectory(t)
  const put = (day: number, text: string): void =>
    appendFileSync(join(folder, `2026-03-0${day}.jsonl`), text)
  const kept: number[] = []
  const count = (): void => void kept.push(openBelow(folder))
  for (const day of [1, 2, 3]) put(day, `first of ${day}\n`)
  const looks = await told(folder, [
    () => put(1, 'late for 1\n'),
    () => {
      count()
      put(1, 'later for 1\n')
      put(2, 'late for 2\n')
      put(4, 'first of 4\n')
    },
    () => {
      count()
      put(2, 'too late\n')
      put(3, 'late for 3\n')
    },
    count,
    count
  ])
  t.strictSame(looks, [[], [], ['late for 2', 'first of 4'], ['late for 3'], [], []])
  t.strictSame(kept, [2, 3, 2, 2])
  t.equal(openBelow(folder), 0)
})

test('where a file cannot be read it is said, and nothing stays open', async (t) => {
  if (!canCountOpen) return
  const folder = createDirectory(t)
  writeFileSync(join(folder, '2026-03-01.jsonl'), 'a\n')
  await t.rejects(told(folder, [() => mkdirSync(join(folder, '2026-03-02.jsonl')), () => {}]), {
    message: 'is no regular file'
  })
  t.equal(openBelow(folder), 0)
})
