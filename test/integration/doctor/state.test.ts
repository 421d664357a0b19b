/** What is kept, as doctor sees it: API keys by their use, encryption keys by what stands under them. */
import { join } from 'node:path'
import { type Test, test } from 'tap'
import type { Principal } from '../../../src/core/principal.ts'
import { Sensitive } from '../../../src/core/secret.ts'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { createSealer } from '../../../src/crypto/sealer.ts'
import { putRevocation } from '../../../src/keys/revocations.ts'
import { createKeyUsage } from '../../../src/keys/usage.ts'
import { putSecret } from '../../../src/kinds/local/store.ts'
import { createEmbeddedState } from '../../../src/state/embedded.ts'
import type { State } from '../../../src/state/state.ts'
import { examineBad, notOk, sentences } from '../../support/doctor.ts'
import { PRINCIPAL } from '../../support/open-server.ts'

const DAY_MS = 86_400_000
const NOW = Date.now()

/** A state in the folder, worked on and closed again. */
const inState = async (folder: string, work: (state: State) => Promise<void>): Promise<void> => {
  const state = createEmbeddedState(join(folder, 'data'))
  await work(state)
  await state.close()
}

const use = (state: State, encryptionKeys: readonly string[], principal: Partial<Principal>) => {
  const keyring = createKeyring(encryptionKeys)
  const sealer = createSealer(keyring)
  const usage = createKeyUsage({ state, sealer: () => sealer, now: () => NOW, onFailure: () => {} })
  usage.note({ ...PRINCIPAL, kid: keyring.active.kid, ...principal }, NOW - 1_000)
  return usage.close()
}

const put = (state: State, encryptionKeys: readonly string[]) => {
  const sealer = createSealer(createKeyring(encryptionKeys))
  const store = { name: 'local', state, sealer: () => sealer, now: () => NOW }
  return putSecret(store, 'team/db', new Sensitive('x'))
}

const examine = async (
  t: Test,
  encryptionKeys: readonly string[],
  work: (state: State) => Promise<unknown>
) =>
  examineBad(t, {
    now: NOW,
    env: { ENCRYPTION_KEYS: encryptionKeys.join(',') },
    prepare: (folder) => inState(folder, async (state) => void (await work(state)))
  })

const inDays = (days: number): number => Math.floor((NOW + days * DAY_MS) / 1000)

test('API keys without end: api-keys-end warn, with their clients', async (t) => {
  const keys = [newEncryptionKey()]
  const examined = await examine(t, keys, async (state) => {
    await use(state, keys, { client: 'endless' })
    await use(state, keys, { client: 'fine', keyId: 'b', expiresAt: inDays(90) })
  })
  t.strictSame(notOk(examined), ['api-keys-end warn'])
  t.match(sentences(examined), /^1 API keys in use never end \(endless\)/)
})

test('a revoked API key without end is none', async (t) => {
  const keys = [newEncryptionKey()]
  const examined = await examine(t, keys, async (state) => {
    await use(state, keys, {})
    await putRevocation(state, PRINCIPAL.keyId, NOW)
  })
  t.strictSame(notOk(examined), [], sentences(examined))
})

test('API keys that end soon: api-keys-renewed warn', async (t) => {
  const keys = [newEncryptionKey()]
  const examined = await examine(t, keys, (state) => use(state, keys, { expiresAt: inDays(3) }))
  t.strictSame(notOk(examined), ['api-keys-renewed warn'])
})

test('an encryption key that nobody uses: encryption-keys-used warn', async (t) => {
  const [old, active] = [newEncryptionKey(), newEncryptionKey()]
  const examined = await examine(t, [old, active], (state) => put(state, [active]))
  t.strictSame(notOk(examined), ['encryption-keys-used warn'])
  t.match(sentences(examined), createKeyring([old]).active.kid)
})

test('an encryption key under which something stands is used', async (t) => {
  const [old, active] = [newEncryptionKey(), newEncryptionKey()]
  const examined = await examine(t, [old, active], (state) => put(state, [old]))
  t.strictSame(notOk(examined), [], sentences(examined))
})

test('an encryption key that is lacking: encryption-keys-whole fail', async (t) => {
  const [lost, active] = [newEncryptionKey(), newEncryptionKey()]
  const examined = await examine(t, [active], (state) => put(state, [lost]))
  t.strictSame(notOk(examined), ['encryption-keys-whole fail'])
  t.match(sentences(examined), createKeyring([lost]).active.kid)
})

test('an examination changes nothing of what is kept', async (t) => {
  const keys = [newEncryptionKey()]
  const before: [string, string][] = []
  const entries = async (state: State, into: [string, string][]): Promise<void> => {
    for await (const { key, value } of state.list('')) into.push([key, value.toString('hex')])
  }
  let place = ''
  await examineBad(t, {
    // Long after every use and end that is kept: what a service would purge by now stays.
    now: NOW + 900 * DAY_MS,
    env: { ENCRYPTION_KEYS: keys.join(',') },
    prepare: (folder) => {
      place = folder
      return inState(folder, async (state) => {
        await use(state, keys, { expiresAt: inDays(1) })
        await state.compareAndSet('states/abcdefgh', undefined, Buffer.from('1'))
        await entries(state, before)
      })
    }
  })
  const after: [string, string][] = []
  await inState(place, (state) => entries(state, after))
  t.ok(before.length >= 2)
  t.strictSame(after, before)
})
