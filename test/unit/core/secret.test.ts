import { inspect } from 'node:util'
import { test } from 'tap'
import { isSameSecret, type SecretRecord, Sensitive } from '../../../src/core/secret.ts'

test('a value comes out by being revealed, and by no way of printing it', async (t) => {
  const value = new Sensitive('hunter2')
  t.equal(value.reveal(), 'hunter2')
  for (const printed of [
    String(value),
    `${value}`,
    JSON.stringify({ value }),
    inspect({ value })
  ]) {
    t.match(printed, /\[redacted\]/)
    t.notMatch(printed, /hunter2/)
  }
  t.same(Object.entries(value), [])
})

test('a secret is the same where its version and its text are: some stores have one name for all versions', async (t) => {
  const record = (version: string, text: string): SecretRecord => ({
    version,
    text: new Sensitive(text)
  })
  t.equal(isSameSecret(record('1', 'a'), record('1', 'a')), true)
  t.equal(isSameSecret(record('1', 'a'), record('1', 'b')), false)
  t.equal(isSameSecret(record('1', 'a'), record('2', 'a')), false)
})
