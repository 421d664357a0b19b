// What `npm run bench` can be told, and what it cannot.
import { test } from 'tap'
import { HELP, parseOptions } from '../../../scripts/bench/options.ts'

test('without options every case runs at 16 connections, as fast as it can', async (t) => {
  t.match(parseOptions([]), {
    against: undefined,
    cases: [''],
    connections: [16],
    rate: undefined,
    isGuard: false
  })
})

test('several numbers of connections and a rate are taken', async (t) => {
  const options = parseOptions(['--connections', '1,16,64', '--rate', '1000', '--seconds', '0.5'])
  t.match(options, { connections: [1, 16, 64], rate: 1000, seconds: 0.5 })
})

test('what is no number is refused in so many words', async (t) => {
  const refused = (...args: readonly string[]) => t.throws(() => parseOptions(args), /no .*number/)
  refused('--connections', '16,')
  refused('--connections', '1.5')
  refused('--rate', 'fast')
  refused('--rounds', '0')
  refused('--seconds=-1')
})

test('every option of the help is one', async (t) => {
  const lines = [...HELP.matchAll(/^ {2}(--[a-z-]+)( <\w+>)?/gm)]
  t.ok(lines.length > 8, 'they were found')
  for (const [, name = '', value] of lines) {
    t.doesNotThrow(() => parseOptions(value === undefined ? [name] : [name, '1']), name)
  }
})
