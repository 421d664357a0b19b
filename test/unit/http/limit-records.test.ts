import { test } from 'tap'
import type { LimitName } from '../../../src/core/limit-name.ts'
import { createLimitRecords } from '../../../src/http/limit-records.ts'

const open = (max?: number) => {
  const clock = { now: 0 }
  const lines: string[] = []
  const records = createLimitRecords<string>({
    record: (who, reason) => void lines.push(`${who} ${reason}`),
    now: () => clock.now,
    ...(max !== undefined && { max })
  })
  const reach = (name: LimitName, identity: string) =>
    records.reached({ name, identity }, { seconds: 60 }, () => `first of ${identity}`)
  return { clock, lines, records, reach }
}

test('a limit that is reached is one line, and one with the count when its window ends', async (t) => {
  const { clock, lines, records, reach } = open()
  for (let i = 0; i < 500; i++) reach('key', 'a')
  reach('failed-logins', 'a')
  t.same(lines, ['first of a key', 'first of a failed-logins'])
  clock.now = 59_999
  records.sweep()
  t.equal(lines.length, 2)
  clock.now = 60_000
  records.sweep()
  records.sweep()
  t.same(lines.slice(2), ['first of a key: 500 refused', 'first of a failed-logins: 1 refused'])
  reach('key', 'a')
  clock.now = 120_000
  reach('key', 'a')
  t.same(
    lines.slice(4),
    ['first of a key', 'first of a key: 1 refused', 'first of a key'],
    'also where nothing swept in between'
  )
  records.close()
  t.equal(lines.at(-1), 'first of a key: 1 refused', 'what is open at the end is told')
})

test('more callers than are told apart share a line of each limit', async (t) => {
  const { clock, lines, records, reach } = open(3)
  for (let i = 0; i < 1_000; i++) reach('address', `a${i}`)
  for (let i = 0; i < 1_000; i++) reach('key', `a${i}`)
  reach('address', 'a1')
  t.equal(lines.length, 5)
  clock.now = 60_000
  records.sweep()
  t.same(lines.slice(3), [
    'first of a3 address, of more callers than are told apart',
    'first of a0 key, of more callers than are told apart',
    'first of a0 address: 1 refused',
    'first of a1 address: 2 refused',
    'first of a2 address: 1 refused',
    'first of a3 address: 997 refused',
    'first of a0 key: 1000 refused'
  ])
  records.close()
})
