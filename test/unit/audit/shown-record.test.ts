/** Nothing is shown of a line but the members that records have, each of its type. */
import { test } from 'tap'
import { readRecord } from '../../../src/audit/shown-record.ts'

const LEAST = { time: '2026-03-01T12:00:00.000Z', action: 'secret.read', outcome: 'allowed' }
const FULL = {
  ...LEAST,
  code: 'a',
  reason: 'b',
  environment: 'c',
  client: 'd',
  keyId: 'e',
  kid: 'f',
  sessionId: 'g',
  user: 'h',
  route: 'i',
  requestId: 'j',
  address: 'k',
  reference: 'l',
  object: 'm',
  issuer: 'n',
  subject: 'o',
  tokenId: 'p',
  version: 'q',
  cache: 'r',
  instance: 's',
  seq: 7
}

const shown = (line: object) => readRecord(JSON.stringify(line))

test('a record is shown with all of its members, and with nothing that is none', (t) => {
  t.strictSame(shown(FULL), FULL)
  t.strictSame(shown({ ...FULL, digest: 'D', mac: 'M', secret: 'x' }), FULL)
  t.strictSame(shown(LEAST), LEAST)
  t.end()
})

test('a member of another type is left out, and a number that cannot be counted', (t) => {
  t.strictSame(shown({ ...LEAST, client: { a: 1 }, kid: 7, user: null }), LEAST)
  for (const seq of ['7', 1.5, 2 ** 53, null]) t.strictSame(shown({ ...LEAST, seq }), LEAST)
  t.end()
})

test('a line that is no record is not shown', (t) => {
  t.equal(readRecord('{"time":'), undefined)
  t.equal(shown({ ...LEAST, chain: 'head' }), undefined)
  t.equal(shown({ ...LEAST, outcome: undefined }), undefined)
  t.end()
})
