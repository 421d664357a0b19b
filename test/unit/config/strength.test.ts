/** Which secrets may be guessed: what people paste is found, and nothing that was drawn at random. */
import { randomBytes } from 'node:crypto'
import { test } from 'tap'
import { guessabilityOf } from '../../../src/config/strength.ts'

const GUESSABLE: readonly (readonly [string, RegExp])[] = [
  ['changeme-changeme-changeme-12345', /well-known word/],
  ['MyWelcome2UsersOfThisGreatSystem', /well-known word/],
  ['a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4', /repeats itself/],
  ['aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab', /too few different/],
  ['zq9-KLMNOPQRSTUV-fghijklm-x7-Qd2', /long run/],
  ['x9Lq-987654321-Zw3-gT7-pK5-mB1-s', /long run/],
  ['k7Qz00000000p4Lw9XsV2bN6mTyR3dHj', /long run/],
  ['aabaacaadaaeaafaagaahaaiaajaakaa', /too little variety/],
  ['with a blank in between 012345 x', /printable ASCII/]
]

test('what people paste may be guessed', (t) => {
  for (const [secret, why] of GUESSABLE) t.match(guessabilityOf(secret), why, secret)
  t.end()
})

test('nothing that was drawn at random may be guessed, whatever its alphabet', (t) => {
  const digits = () => [...randomBytes(48)].map((byte) => byte % 10).join('')
  const drawn = [
    () => randomBytes(24).toString('base64url'),
    () => randomBytes(32).toString('base64'),
    () => randomBytes(20).toString('hex'),
    digits
  ]
  // A base64 text may hold a word, or digits a row, by chance: one in millions does.
  for (const draw of drawn) {
    const found = Array.from({ length: 2_000 }, draw).filter((one) => guessabilityOf(one))
    t.ok(found.length <= 2, `${found.length} of 2000`)
  }
  t.end()
})
