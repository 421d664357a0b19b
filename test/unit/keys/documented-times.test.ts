// The times of sessions and sign-ins are those that docs/administrators.md and docs/console.md tell.
import { readFileSync } from 'node:fs'
import { test } from 'tap'
import {
  REAUTHENTICATED_SECONDS,
  SESSION_IDLE_SECONDS,
  SESSION_MAX_SECONDS,
  SESSIONS_MAX,
  SESSIONS_OF_USER_MAX
} from '../../../src/keys/lifetime.ts'
import { SIGN_IN_SECONDS } from '../../../src/keys/sign-in.ts'
import { CODE_SECONDS } from '../../../src/keys/sign-in-codes.ts'

test('how long sessions, sign-ins and codes last, and how many there may be, is documented as it is', async (t) => {
  const [administrators, console] = ['administrators', 'console'].map((name) =>
    readFileSync(`docs/${name}.md`, 'utf8').replaceAll(/\s+/g, ' ')
  )
  t.equal(SESSION_IDLE_SECONDS, 15 * 60)
  t.match(administrators, '15 minutes, from each act anew')
  t.equal(SESSION_MAX_SECONDS, 8 * 3600)
  t.match(administrators, '8 hours in all')
  t.match(administrators, 'NIST SP 800-63B', 'the reason for these')
  t.equal(SESSIONS_OF_USER_MAX, 20)
  t.match(administrators, '| how many | 20 at once of one key or one user')
  t.equal(SESSIONS_MAX, 1_000)
  t.match(administrators, '1,000 in all')
  t.equal(REAUTHENTICATED_SECONDS, 5 * 60)
  t.match(administrators, 'that counts for 5 minutes, in that session alone')
  t.equal(SIGN_IN_SECONDS, 10 * 60)
  t.match(administrators, 'What comes back counts once, within ten minutes')
  t.match(administrators, 'Signing out at the provider ends nothing here')
  t.equal(CODE_SECONDS, 60)
  t.match(console, 'It works once, within 60 seconds')
})
