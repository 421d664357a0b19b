/** What a question names decides which records it gets, and what is looked for in bytes stands in each of them. */
import { test } from 'tap'
import {
  askedSecret,
  matches,
  needleOf,
  type RecordFilter
} from '../../../src/audit/record-filter.ts'
import type { AuditRecord } from '../../../src/audit/shown-record.ts'

const record = (more: Partial<AuditRecord> = {}): AuditRecord => ({
  time: '2026-03-01T12:00:00.000Z',
  action: 'secret.read',
  outcome: 'allowed',
  ...more
})

test('a canonical reference is taken apart into store, path and field, and nothing else is', (t) => {
  const cases: Readonly<Record<string, object | undefined>> = {
    'aws:a/b': { store: 'aws', path: 'a/b' },
    'aws:a/b#f': { store: 'aws', path: 'a/b', field: 'f' },
    'aws:a?version=1': { store: 'aws', path: 'a' },
    'aws:a?version=1#f': { store: 'aws', path: 'a', field: 'f' },
    'aws:a:b%3Fc%23d': { store: 'aws', path: 'a:b?c#d' },
    'aws:': undefined,
    ':a': undefined,
    aws: undefined,
    'aws:?version=1': undefined,
    'aws:a%zz': undefined
  }
  for (const [reference, found] of Object.entries(cases)) {
    t.strictSame(askedSecret(reference), found, reference)
  }
  t.end()
})

test('a reference stands for its versions and fields, and for no longer name', (t) => {
  const asked: Readonly<Record<string, readonly string[]>> = {
    'aws:a': ['aws:a', 'aws:a?version=1', 'aws:a#f', 'aws:a?version=1#f'],
    'aws:a?version=1': ['aws:a?version=1', 'aws:a?version=1#f'],
    'aws:a#f': ['aws:a#f', 'aws:a?version=1#f'],
    'aws:a?version=1#f': ['aws:a?version=1#f']
  }
  const all = [
    ...(asked['aws:a'] ?? []),
    ...['aws:ab', 'aws:a/b', 'aws:a?version=12', 'aws:a?version=1#fg', 'aws:ab#f', 'aws:a#xf'],
    'aws:a?version=2#g'
  ]
  const others: Readonly<Record<string, readonly string[]>> = {
    'aws:a': ['aws:a?version=12', 'aws:a?version=1#fg', 'aws:a#xf', 'aws:a?version=2#g'],
    'aws:a?version=1': ['aws:a?version=1#fg']
  }
  for (const [reference, own] of Object.entries(asked)) {
    t.strictSame(
      all.filter((one) => matches({ reference }, record({ reference: one }))).sort(),
      [...own, ...(others[reference] ?? [])].sort(),
      reference
    )
  }
  t.end()
})

test('what is asked of a secret finds no record that is of none, or of one that cannot be read', (t) => {
  const isMatching = () => true
  t.equal(matches({ reference: 'aws:a' }, record()), false)
  t.equal(matches({ isMatching }, record()), false)
  t.equal(matches({ isMatching }, record({ reference: 'nonsense' })), false)
  t.equal(matches({ isMatching }, record({ reference: 'aws:a' })), true)
  t.equal(matches({ isMatching: () => false }, record({ reference: 'aws:a' })), false)
  t.equal(matches({ isMatching, reference: 'aws:b' }, record({ reference: 'aws:a' })), false)
  t.equal(matches({}, record()), true)
  t.end()
})

test('of all that a question names, the bytes of what is rarest are looked for', (t) => {
  const full: RecordFilter = {
    keyId: 'k1',
    reference: 'aws:a?version=1#f',
    client: 'app',
    outcome: 'denied',
    action: 'secret.read'
  }
  const told = (filter: RecordFilter) => needleOf(filter)?.toString()
  t.equal(told(full), '"keyId":"k1"')
  t.equal(told({ ...full, keyId: undefined }), '"reference":"aws:a?version=1')
  const { client, outcome, action } = full
  t.equal(told({ client, outcome, action }), '"client":"app"')
  t.equal(told({ outcome, action }), '"outcome":"denied"')
  t.equal(told({ outcome: 'allowed', action }), '"action":"secret.read"', 'most are allowed')
  t.equal(told({ outcome: 'allowed' }), '"outcome":"allowed"')
  t.equal(told({}), undefined)
  t.equal(told({ from: '2026-03-01T00:00:00.000Z' }), undefined)
  t.end()
})

test('what may be escaped in a line is not looked for in its bytes', (t) => {
  for (const client of ['a"b', 'a\\b', 'a\nb', 'a\u007f', '\u00e4', 'x\u00e4']) {
    t.equal(needleOf({ client }), undefined, JSON.stringify(client))
    t.equal(needleOf({ client, action: 'key.issue' })?.toString(), '"action":"key.issue"')
  }
  for (const client of [' !#[]~', 'a b']) {
    t.equal(needleOf({ client })?.toString(), `"client":"${client}"`)
    t.ok(JSON.stringify(record({ client })).includes(`"client":"${client}"`))
  }
  t.end()
})
