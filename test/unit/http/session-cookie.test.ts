// The cookie of sessions as a header may bring it.
import { performance } from 'node:perf_hooks'
import fc from 'fast-check'
import { test } from 'tap'
import { createCookie } from '../../../src/http/session-cookie.ts'

const cookie = createCookie('session', { secure: false, sameSite: 'strict' })
const valueIn = (...headers: readonly string[]) =>
  cookie.valueIn(headers.flatMap((header) => ['Cookie', header]))

test('the value of this name is found among others, without the blanks around it', async (t) => {
  for (const [header, value] of [
    ['session=one', 'one'],
    ['a=b; session = one ;c=d', 'one'],
    ['\tsession=\tone two \t', 'one two'],
    ['session=a=b', 'a=b'],
    ['session=', undefined],
    ['session', undefined],
    ['other=session=one', undefined],
    ['xsession=one; Session=one', undefined],
    ['; ;=;', undefined]
  ] as const) {
    t.equal(valueIn(header), value, header)
  }
})

test('it stands there once, whatever it is', async (t) => {
  t.match(valueIn('session=a; session=b'), { code: 'conflicting_credentials' })
  t.match(valueIn('session=a', 'session=a'), { code: 'conflicting_credentials' })
  t.match(valueIn('session=; session=a'), { code: 'conflicting_credentials' })
})

test('nothing throws, whatever a header holds', async (t) => {
  const parts = fc.constantFrom('session', '=', ';', ' ', '\t', 'a', '"', '\u00a0')
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 12 }), (all) => {
      const value = valueIn(all.join(''))
      return typeof value !== 'string' || value !== ''
    })
  )
  t.pass()
})

test('a header of the greatest length costs a pass over it, however it is made', async (t) => {
  for (const unit of [' ', '\t ', '=', ';', '; ', 'a=', ' ;=', 'session =  ']) {
    const header = `a=x${unit.repeat(16_000 / unit.length)}y`
    const begun = performance.now()
    for (let i = 0; i < 20; i++) valueIn(header)
    // An expression that tries each blank anew takes half a second for one of them.
    t.ok(performance.now() - begun < 2_000, JSON.stringify(unit))
  }
})
