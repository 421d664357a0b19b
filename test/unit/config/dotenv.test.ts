import { test } from 'tap'
import { parseDotenv } from '../../../src/config/dotenv.ts'
import { randomSecret } from '../../support/keys.ts'

const taken = (text: string): Record<string, string> => {
  const { lines, faults } = parseDotenv(text, '.env')
  return faults.length > 0
    ? { fault: faults.map(({ place, message }) => `${place} ${message}`).join() }
    : Object.fromEntries(lines.map(({ name, value }) => [name, value]))
}

test('A line is taken as it stands', async (t) => {
  for (const [text, value] of [
    ['PORT=1', '1'],
    ['PORT=1\r', '1'],
    ['  PORT = 1  ', '1'],
    ['export PORT=1', '1'],
    ['export\tPORT\t=\t1', '1'],
    ['PORT=1 # why', '1'],
    ['PORT=1#2', '1#2'],
    ['PORT=#1', '#1'],
    ['PORT=', ''],
    ['PORT= # none', ''],
    ['PORT="1 # 2" # why', '1 # 2'],
    ["PORT='a\"b'", 'a"b'],
    ['PORT=`a"\'b`', 'a"\'b'],
    ['PORT="a\\nb\\t"', 'a\nb\\t'],
    ["PORT='a\\nb'", 'a\\nb'],
    ['PORT="a\r\nb=\n c"', 'a\nb=\n c'],
    ["PORT=it's", "it's"],
    ['PORT=[{"a":"b"}]', '[{"a":"b"}]'],
    ['PORT=a=b==', 'a=b=='],
    ['PORT=$HOME', '$HOME']
  ] as const) {
    t.strictSame(taken(`\n# a comment\n${text}\n`), { PORT: value }, JSON.stringify(text))
  }
})

test('A line that cannot be taken as it stands is a fault with its place, and its value is not shown', async (t) => {
  const token = `canary${randomSecret()}`
  for (const [text, message] of [
    [`PORT="${token}`, 'opens a quote that is not closed'],
    [`PORT='${token}\nHOST='x'`, 'opens a quote that is not closed'],
    [`PORT=${token}"`, 'ends in a quote that nothing opens'],
    [`PORT="a" ${token}`, 'goes on after its closing quote: take another kind of quotes'],
    [`PORT="a"#${token}`, 'goes on after its closing quote: take another kind of quotes'],
    [
      `PORT="{\\"a\\":\\"${token}\\"}"`,
      'goes on after its closing quote: take another kind of quotes'
    ],
    [`${token}`, 'is not of the form NAME=value'],
    [`PORT: ${token}`, 'is not of the form NAME=value'],
    [`1${token}=x`, 'is not of the form NAME=value'],
    [`MY PORT=${token}`, 'is not of the form NAME=value'],
    [`=${token}`, 'is not of the form NAME=value'],
    [`\u200bPORT=${token}`, 'is not of the form NAME=value'],
    [`PORT=${token}\u0007`, 'has a control character'],
    [`PORT=${token}\rHOST=x`, 'is not of the form NAME=value']
  ] as const) {
    t.strictSame(taken(`A=1\n${text}\n`), { fault: `.env:2 ${message}` }, JSON.stringify(text))
  }
})

test('The lines after a faulty one are read, and all faults are told', async (t) => {
  const { lines, faults } = parseDotenv('A="x\nPORT=1\nwhat\n\nHOST=b\nB="1\n2"\nC\n', 'x.env')
  t.strictSame(
    faults.map(({ place }) => place),
    ['x.env:1', 'x.env:3', 'x.env:8']
  )
  t.strictSame(
    lines.map(({ name, line }) => [name, line]),
    [
      ['PORT', 2],
      ['HOST', 5],
      ['B', 6]
    ]
  )
})

test('A name that is given two values is a fault; an empty or equal line beside it is not', async (t) => {
  t.strictSame(taken('PORT=1\nHOST=a\nPORT=2'), {
    fault: '.env:3 sets PORT, which line 1 sets to another value: take one away'
  })
  t.strictSame(taken('PORT=\nPORT=2'), { PORT: '2' })
  t.strictSame(taken('PORT=2\nPORT=2'), { PORT: '2' })
})
