// No promise without a test, and no test that is only on paper: every file and title of docs/assurance.md is there.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { test } from 'tap'
import { renderAssurance } from '../../scripts/assurance.ts'
import { ASSURANCE, ASVS, type Promised } from '../support/assurance.ts'

const PROMISES: readonly Promised[] = Object.values(ASSURANCE).flat()

const TEXT = String.raw`'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|${'`'}(?:[^${'`'}\\]|\\.)*${'`'}`
/** `test(`, `t.test(`, `testWithRedis(` and so on at the beginning of a line, which leaves out what is commented out or skipped. */
const TITLE = new RegExp(
  String.raw`^\s*(?:await |void )?(?:\w+\.)?test(?:With\w+)?\(\s*(${TEXT})`,
  'gm'
)
/** A case of a suite's table. */
const CASE = new RegExp(String.raw`\bwhen: (${TEXT})`, 'g')

/** What a literal of the source says, with … for each part that is computed. */
const read = (literal: string): string =>
  literal
    .slice(1, -1)
    .replace(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, '…')
    .replace(/\\(.)/g, '$1')

const titlesIn = (source: string): Set<string> =>
  new Set(
    [TITLE, CASE].flatMap((form) => [...source.matchAll(form)].map(([, one = '']) => read(one)))
  )

/** What is named and is not there, a line each. */
const dangling = (promises: readonly Promised[]): string[] => {
  const known = new Map<string, Set<string>>()
  return promises.flatMap(({ id, tests }) =>
    Object.entries(tests).flatMap(([file, titles]) => {
      const path = `test/${file}`
      if (!existsSync(path)) return [`${id}: there is no ${path}`]
      const there = known.get(path) ?? titlesIn(readFileSync(path, 'utf8'))
      known.set(path, there)
      return titles
        .filter((title) => !there.has(title))
        .map((title) => `${id}: ${path} has no test '${title}'`)
    })
  )
}

test('every test that a promise names is in the file that it names', async (t) => {
  t.strictSame(dangling(PROMISES), [])
})

test('every file that a promise names is run: it is a test, or the part of one', async (t) => {
  const files = [...new Set(PROMISES.flatMap(({ tests }) => Object.keys(tests)))]
  const sources = readdirSync('test', { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => readFileSync(`test/${path}`, 'utf8'))
  const isImported = (file: string): boolean =>
    sources.some((source) => source.includes(`/${basename(file)}'`))
  t.strictSame(
    files.filter((file) => !file.endsWith('.test.ts') && !isImported(file)),
    []
  )
})

test('a name that leads to no test is noticed', async (t) => {
  const promise = (tests: Promised['tests']): Promised => ({ id: 'x', says: 'x', asvs: [], tests })
  const own = 'contract/assurance.test.ts'
  t.strictSame(dangling([promise({ [own]: ['a name that leads to no test is noticed'] })]), [])
  t.strictSame(
    dangling([promise({ [own]: ['a name that leads to no'], 'contract/none.test.ts': ['x'] })]),
    [
      "x: test/contract/assurance.test.ts has no test 'a name that leads to no'",
      'x: there is no test/contract/none.test.ts'
    ]
  )
  const computed = '$' + '{what({ a: 1 })}'
  const source = [
    "test('one', async (t) => {",
    '  // test("commented out", async () => {',
    "test.skip('skipped', async () => {})",
    `  await t.test(\`two ${computed} three\`, async (t) => {`,
    'testWithRedis(',
    '  "it isn\'t", async (t, redis) => {',
    "  { when: 'it is \\'quoted\\'', reason: 'x' }"
  ].join('\n')
  t.strictSame([...titlesIn(source)], ['one', 'two … three', "it isn't", "it is 'quoted'"])
})

test('every promise has an id of its own, a sentence, requirements and tests', async (t) => {
  t.equal(new Set(PROMISES.map(({ id }) => id)).size, PROMISES.length)
  for (const { id, says, asvs, tests } of PROMISES) {
    t.match(id, /^[a-z]+(?:-[a-z]+)+$/)
    t.match(says, /^[A-Z].*\.$/, id)
    t.ok(asvs.length > 0, id)
    t.equal(new Set(asvs).size, asvs.length, id)
    t.ok(Object.values(tests).flat().length > 0, id)
    t.ok(
      Object.values(tests).every((titles) => titles.length > 0),
      id
    )
  }
  const used = new Set<string>(PROMISES.flatMap(({ asvs }) => asvs))
  t.strictSame(
    Object.keys(ASVS).filter((number) => !used.has(number)),
    [],
    'no requirement is listed for nothing'
  )
})

test('every promise of SECURITY.md is held by a row, and no row by one that is not there', async (t) => {
  const [, promises = ''] =
    /## What Purser promises\n(.*?)\n## /s.exec(readFileSync('SECURITY.md', 'utf8')) ?? []
  const numbers = [...promises.matchAll(/^(\d+)\. \*\*|^(\d+)\. /gm)].map(([, a, b]) =>
    Number(a ?? b)
  )
  const held = new Set(PROMISES.flatMap(({ security = [] }) => security))
  t.ok(numbers.length > 10)
  t.strictSame(
    [...held].sort((a, b) => a - b),
    numbers
  )
})

test('docs/assurance.md is what the table makes (npm run docs)', async (t) => {
  t.equal(readFileSync('docs/assurance.md', 'utf8'), renderAssurance())
})
