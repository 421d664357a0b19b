/** The end of a line that says where it stands, as it is read back. */
import { test } from 'tap'
import { isChainLine, placeOf } from '../../../src/audit/chain-line.ts'

const BODY = '{"time":"2026-03-01T12:00:00.000Z","action":"secret.read"'
const DIGEST = 'd'.repeat(43)
const MAC = 'm'.repeat(43)
const END = `,"instance":"abcdefghijk","seq":12,"digest":"${DIGEST}"}`

const place = (line: string) => placeOf(Buffer.from(line))

test('the place is read from the end of a line, and what is hashed goes up to its digest', (t) => {
  const hashed = `${BODY},"instance":"abcdefghijk","seq":12`.length
  const found = { instance: 'abcdefghijk', seq: 12, digest: DIGEST, mac: undefined, hashed }
  t.strictSame(place(BODY + END), found)
  const withMac = `${BODY}${END.slice(0, -1)},"mac":"${MAC}"}`
  t.strictSame(place(withMac), { ...found, mac: MAC })
  const long = `${BODY},"reference":"${'ä'.repeat(2_300)}"`
  const bytes = Buffer.byteLength(long) - BODY.length
  t.strictSame(place(long + END), { ...found, hashed: hashed + bytes }, 'counted in bytes')
  t.strictSame(place(END), { ...found, hashed: hashed - BODY.length })
  t.end()
})

test('what has not the whole of it, in this order, at its end has no place', (t) => {
  for (const wrong of [
    '',
    BODY,
    `${BODY}}`,
    `${BODY}${END} `,
    `${BODY}${END}\n`,
    `${BODY}${END.replace('"seq":12', '"seq":0')}`,
    `${BODY}${END.replace('"seq":12', '"seq":-1')}`,
    // No number counts that far exactly.
    `${BODY}${END.replace('"seq":12', `"seq":${'9'.repeat(16)}`)}`,
    `${BODY}${END.replace('abcdefghijk', 'abcdefghij')}`,
    `${BODY}${END.replace('abcdefghijk', 'abcdefghij+')}`,
    `${BODY}${END.replace(DIGEST, DIGEST.slice(1))}`,
    `${BODY}${END.replace(DIGEST, `${DIGEST}d`)}`,
    `${BODY}${END.slice(0, -1)},"mac":"${MAC.slice(1)}"}`
  ]) {
    t.equal(place(wrong), undefined, wrong.slice(BODY.length))
  }
  t.end()
})

test('a line of the chain itself is told by what stands behind its time', (t) => {
  const is = (line: string) => isChainLine(Buffer.from(line))
  t.ok(is('{"time":"2026-03-01T12:00:00.000Z","chain":"head"}'))
  t.notOk(is(`${BODY},"chain":"head"}`))
  t.notOk(is('{"chain":"head"}'))
  t.end()
})
