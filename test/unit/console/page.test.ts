// What the page works out without a browser: texts, addresses, geometry, the end of an export.
import fc from 'fast-check'
import { test } from 'tap'
import { lackingIn } from '../../../page/lib/browser.ts'
import { barsOf, ceiling, spread } from '../../../page/lib/geometry.ts'
import { isWhole, lastLine } from '../../../page/lib/lines.ts'
import { codeIn, hashOf, placeOf, VIEWS } from '../../../page/lib/place.ts'
import { rotationOf } from '../../../page/lib/rotation.ts'
import { ago, clip, moment, plural, share, visible } from '../../../page/lib/text.ts'

test('what cannot be seen, or turns what follows, is spelt out', async (t) => {
  t.equal(visible('local:shop/db'), 'local:shop/db')
  t.equal(visible('Üñí 漢字 العربية 🙂'), 'Üñí 漢字 العربية 🙂')
  t.equal(visible('a\u202egnp.exe'), 'a⟨U+202E⟩gnp.exe')
  const unseen = [0x00, 0x0a, 0x1b, 0x7f, 0x85, 0xad, 0x61c, 0x200b, 0x200d, 0x200e, 0x2028, 0x2029]
  for (const code of [...unseen, 0x2066, 0x2069, 0xfeff, 0xfe0f, 0xe0041, 0x3164]) {
    const told = `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`
    t.equal(visible(String.fromCodePoint(code)), told)
  }
})

test('a long text is cut, and never within a character', async (t) => {
  t.equal(clip('short', 5), 'short')
  t.equal(clip('longer', 5), 'longe…')
  t.equal(clip('🙂🙂🙂', 2), '🙂🙂…')
  t.equal(clip('🙂🙂', 2), '🙂🙂')
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme' }),
      fc.integer({ min: 1, max: 20 }),
      (text, length) => {
        const cut = clip(text, length)
        return [...cut].length <= length + 1 && !/\p{Surrogate}/u.test(cut)
      }
    )
  )
})

test('times are told in UTC, and by how long ago they were', async (t) => {
  const now = Date.parse('2026-03-01T12:00:00Z')
  t.equal(moment('2026-03-01T12:00:00.123+01:00'), '2026-03-01 11:00:00')
  t.equal(moment('no\u202etime'), 'no⟨U+202E⟩time')
  t.equal(ago('2026-03-01T11:59:30Z', now), 'just now')
  t.equal(ago('2026-03-01T11:00:00Z', now), '1 hour ago')
  t.equal(ago('2026-02-26T11:00:00Z', now), '3 days ago')
  t.equal(ago('2026-03-01T12:05:00Z', now), 'in 5 minutes')
  t.equal(ago('none', now), 'none')
  t.equal(plural(1, 'key'), '1 key')
  t.equal(plural(1200, 'process', 'processes'), '1,200 processes')
  t.equal(share(1, 3), '33 %')
  t.equal(share(0, 0), '–')
})

test('an address leads to a view with its question, and any other to the overview', async (t) => {
  for (const view of VIEWS) t.same(placeOf(hashOf(view)), { view, query: {} })
  const query = { client: 'a b&c', reference: 'local:x?version=2#f', empty: '' }
  const { empty: _, ...asked } = query
  t.same(placeOf(hashOf('access', query)), { view: 'access', query: asked })
  for (const hash of ['', '#', '#/', '#/none', '#/constructor', '#code=abc']) {
    t.same(placeOf(hash), { view: 'overview', query: {} }, hash)
  }
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (text) => {
      const { client } = placeOf(hashOf('keys', { client: text })).query
      return client === text
    })
  )
})

test('what a browser lacks is told, and nothing of one that has it all', async (t) => {
  const current = { isSecureContext: true, SecurityPolicyViolationEvent: Event }
  t.same(lackingIn(current, true), [])
  t.same(lackingIn(current, undefined), [], 'not known yet')
  t.match(lackingIn({ ...current, isSecureContext: false }, false), [/TLS/])
  t.match(lackingIn({ isSecureContext: true }, false), [
    /Content-Security-Policy/,
    /Fetch Metadata/
  ])
})

test('a code is taken from the address in its one form alone', async (t) => {
  t.equal(codeIn(`#code=${'a'.repeat(32)}`), 'a'.repeat(32))
  const others = ['#code=', '#code=short', `#/code=${'a'.repeat(32)}`, `#code=${'a'.repeat(32)}&x`]
  for (const hash of others) t.equal(codeIn(hash), undefined, hash)
})

test('bars stand on their base, within the frame', async (t) => {
  for (const [value, top] of [
    [0, 1],
    [1, 1],
    [1.5, 2],
    [3, 5],
    [11, 20],
    [100, 100],
    [101, 200]
  ] as const) {
    t.equal(ceiling(value), top, String(value))
  }
  const frame = { width: 100, height: 10, top: 10 }
  t.same(barsOf([5, 20], frame, [1, 0]), [
    { x: 5, y: 4, width: 40, height: 5 },
    { x: 55, y: 0, width: 40, height: 10 }
  ])
  t.same(barsOf([], frame), [])
})

test('moments are counted each once, in spans of one length', async (t) => {
  t.same(spread([], 4), [])
  t.equal(
    spread([7], 4).reduce((sum, { count }) => sum + count, 0),
    1
  )
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 1e9 }), { minLength: 1 }), (moments) => {
      const buckets = spread(moments, 8)
      return buckets.reduce((sum, { count }) => sum + count, 0) === moments.length
    })
  )
})

test('an export without its last line is not whole', async (t) => {
  const end = JSON.stringify({ end: { skipped: 0 } })
  t.ok(isWhole(lastLine(`{"time":"x"}\n${end}\n`)))
  for (const text of ['', '{"time":"x"}\n', `{"time":"x"}\n${end.slice(0, -2)}`, 'null', '"end"']) {
    t.notOk(isWhole(lastLine(text)), text)
  }
})

test('a rotation has come as far as keys in force stand under the active encryption key', async (t) => {
  const keys = [
    { active: false, keys: 3 },
    { active: true, keys: 7 }
  ]
  t.same(rotationOf(keys), { moved: 7, all: 10 })
  t.same(rotationOf([]), { moved: 0, all: 0 })
})
