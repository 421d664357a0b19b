import fc from 'fast-check'
import { test } from 'tap'
import { compileGlob } from '../../../src/core/glob.ts'
import { startCpuWatch } from '../../support/stopwatch.ts'

/** Every reading of a pattern, as lists of signs: alternatives chosen, stars kept as they were written. */
const readings = (pattern: string): string[][] =>
  pattern
    .split(/[{}]/)
    .map((piece, index) => (index % 2 === 1 ? piece.split(',') : [piece]))
    .reduce<string[][]>(
      (heads, tails) =>
        heads.flatMap((head) => tails.map((tail) => [...head, ...(tail.match(/\*\*|./g) ?? [])])),
      [[]]
    )

/** What signs mean, said as plainly as possible: a star tries all that it may stand for. */
const naive = ([sign, ...signs]: readonly string[], path: string): boolean => {
  if (sign === undefined) return path === ''
  if (sign.startsWith('*')) {
    const lengths = [...Array(path.length + 1).keys()]
    const may = (text: string): boolean => sign === '**' || !text.includes('/')
    return lengths.some((length) => may(path.slice(0, length)) && naive(signs, path.slice(length)))
  }
  const fits = sign === '?' ? path !== '' && path[0] !== '/' : path[0] === sign
  return fits && naive(signs, path.slice(1))
}

const part = fc.constantFrom('a', 'b', 'ab', '/', '*', '**', '?', '{a,b}', '{,a*}', '{b/,**}')
const pattern = fc
  .array(part, { minLength: 1, maxLength: 6 })
  .map((parts) => parts.join(''))
  .filter((text) => !text.includes('***'))
const path = fc
  .array(fc.constantFrom('a', 'b', '/'), { maxLength: 8 })
  .map((parts) => parts.join(''))

test('a pattern matches what its plain reading matches', async (t) => {
  let matched = 0
  fc.assert(
    fc.property(pattern, path, (glob, text) => {
      const expected = readings(glob).some((signs) => naive(signs, text))
      if (expected) matched += 1
      if (compileGlob(glob)(text) !== expected)
        throw new Error(`${glob} on ${text}: not ${expected}`)
    }),
    { numRuns: 5000 }
  )
  t.ok(matched > 200, 'often enough there was a match')
})

test('a matcher gives the same answer each time', async (t) => {
  const matches = compileGlob('a/*b*/**c')
  for (const [text, expected] of [
    ['a/xbx/y/c', true],
    ['a/x', false],
    ['a/b/c', true],
    ['', false],
    ['a/b/c', true]
  ] as const) {
    t.equal(matches(text), expected, text)
  }
})

test('hostile paths and patterns are decided in little time', async (t) => {
  const path = 'a'.repeat(2048)
  const used = startCpuWatch()
  for (const glob of [
    '**a**a**a**b',
    '*a*a*a*a*a*a*b',
    `${'**a'.repeat(100)}b`,
    `${'*?'.repeat(200)}b`
  ]) {
    t.equal(compileGlob(glob)(path), false, glob.slice(0, 20))
  }
  const milliseconds = used()
  t.ok(milliseconds < 1000, `${milliseconds} ms`)
})

test('a pattern may match below a path if and only if something that begins with it matches', async (t) => {
  const longer = (length: number): string[] =>
    length === 0
      ? ['']
      : longer(length - 1).flatMap((text) => [...'ab/'].map((sign) => text + sign))
  const endings = [1, 2, 3, 4, 5, 6].flatMap(longer)
  const short = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''))
  let answers = { yes: 0, no: 0 }
  fc.assert(
    fc.property(
      // The longest ending reaches what has two parts of two signs, and no further.
      short.filter((text) => !text.includes('***') && !/(?:ab.*){3}/.test(text)),
      fc.array(fc.constantFrom('a', 'b', '/'), { maxLength: 4 }).map((parts) => parts.join('')),
      (glob, start) => {
        const matches = compileGlob(glob)
        const expected = endings.some((ending) => matches(start + ending))
        answers = { ...answers, [expected ? 'yes' : 'no']: answers[expected ? 'yes' : 'no'] + 1 }
        if (matches.below(start) !== expected)
          throw new Error(`${glob} below ${start}: not ${expected}`)
      }
    ),
    { numRuns: 1000 }
  )
  t.ok(answers.yes > 100 && answers.no > 100, JSON.stringify(answers))
})
