// How long a refusal takes: about the same, whatever is wrong with the key, so that nobody reads the reason off a clock.
import { test } from 'tap'
import { createAuthenticator, RefusedKey } from '../../../src/keys/authenticator.ts'
import { issueKey, randomKeyring } from '../../support/keys.ts'
import { startCpuWatch } from '../../support/stopwatch.ts'

const NOW = Date.parse('2026-11-21T12:00:00Z')
const KEY_ID = '5a0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10'
const KNOWN_ID = '7d9c0f64-0a55-4c0b-9d0e-1f2a3b4c5d6e'
const ROUNDS = 100
const TOGETHER = 20
/** Wide: a key that is refused unopened would take a tenth. */
const TIMES = 2

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN

/** With another letter within the tag: its last one has spare bits, and would be another spelling. */
const withWrongTag = (key: string): string =>
  `${key.slice(0, -10)}${key.at(-10) === 'A' ? 'B' : 'A'}${key.slice(-9)}`

test('a refusal takes about as long whether the encryption key is unknown, the tag wrong, or the key revoked, expired or for elsewhere', async (t) => {
  const { keyring } = randomKeyring()
  const revoked = new Set([KEY_ID])
  const { authenticate } = createAuthenticator({
    keyring: () => keyring,
    environment: 'dev',
    platformVersion: '8.3.0',
    revocations: {
      isRevoked: (id) => revoked.has(id),
      revoke: async () => ({ isNew: false, isDurable: true })
    },
    now: () => NOW
  })
  const issue = (more: object, ring = keyring) => issueKey(ring, 'app', 'r', more, NOW)
  const keys = {
    'of an unknown encryption key': await issue({}, randomKeyring().keyring),
    'with a wrong tag': withWrongTag(await issue({})),
    revoked: await issue({ keyId: KEY_ID }),
    expired: await issue({ lifetimeSeconds: 0 }),
    'of another environment': await issue({ environment: 'pro' })
  }
  const known = await issue({ keyId: KNOWN_ID })
  t.match(await authenticate(known, '10.1.2.3'), { keyId: KNOWN_ID })
  revoked.add(KNOWN_ID)
  const all = Object.entries({ ...keys, 'revoked after it was in use': known })
  const spent = new Map<string, number[]>(all.map(([what]) => [what, []]))
  for (let round = 0; round < ROUNDS; round++) {
    // All of them in each round, so that whatever else the machine does is shared.
    for (const [what, key] of all) {
      const used = startCpuWatch()
      for (let n = 0; n < TOGETHER; n++) {
        const refusal = await authenticate(key, '10.1.2.3')
        if (!(refusal instanceof RefusedKey)) t.fail(`${what} was not refused`)
      }
      spent.get(what)?.push(used() / TOGETHER)
    }
  }
  const medians = [...spent].map(([what, times]) => [what, median(times)] as const)
  const told = medians.map(([what, ms]) => `${what}: ${(ms * 1_000).toFixed(0)} µs`).join(', ')
  const times = medians.map(([, ms]) => ms)
  t.ok(Math.max(...times) < TIMES * Math.min(...times), told)
})
