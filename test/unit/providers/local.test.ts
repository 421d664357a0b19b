/** The local store: what the contract suite does not ask of every kind, because only this one writes and seals. */
import { type Test, test } from 'tap'
import { ProviderFault } from '../../../src/core/fault.ts'
import { Sensitive } from '../../../src/core/secret.ts'
import { createKeyring, newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { createSealer, type Sealer } from '../../../src/crypto/sealer.ts'
import { local } from '../../../src/providers/local.ts'
import {
  deleteSecret,
  type LocalStore,
  listSecrets,
  putSecret,
  readSecret,
  rewrapSecrets
} from '../../../src/providers/local-store.ts'
import type { SecretProvider } from '../../../src/providers/provider.ts'
import type { State } from '../../../src/state/state.ts'
import { createCanary, everythingIn } from '../../support/canary.ts'
import { openState } from '../../support/embedded.ts'
import { createDeps, type RecordedDeps } from '../../support/provider-deps.ts'

const NOON = Date.parse('2026-03-01T12:00:00Z')

const sealerOf = (...keys: string[]): Sealer => createSealer(createKeyring(keys))

interface Opened {
  readonly store: LocalStore
  readonly state: State
  readonly provider: SecretProvider
  readonly deps: RecordedDeps
  /** From now on this key ring is in force. */
  readonly reload: (sealer: Sealer) => void
}

const open = async (t: Test, keys = [newEncryptionKey()]): Promise<Opened> => {
  let sealer = sealerOf(...keys)
  const state = openState(t)
  const deps = createDeps({}, { state, sealer: () => sealer, now: () => NOON })
  const store = { name: deps.store, state, sealer: deps.sealer, now: deps.now }
  const reload = (next: Sealer): void => {
    sealer = next
  }
  return { store, state, deps, reload, provider: await local.connect({}, deps) }
}

const within = { signal: AbortSignal.timeout(60_000) }
const secret = (text: string): Sensitive<string> => new Sensitive(text)

const textOf = async (store: LocalStore, path: string, version?: string): Promise<string> =>
  (await readSecret(store, path, version)).text.reveal()

const reasonOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (error: unknown) => (error instanceof ProviderFault ? error.reason : String(error))
  )

const keyOf = (path: string): string => `store/tested/${path}`

test('each write gives the next version, and the last ten are kept', async (t) => {
  const { store, provider } = await open(t)
  for (let i = 1; i <= 12; i++) {
    const written = await provider.write?.({ path: 'a/b' }, secret(`text ${i}`), within)
    t.strictSame(written, { version: String(i) })
  }
  t.equal(await textOf(store, 'a/b'), 'text 12')
  t.equal(await textOf(store, 'a/b', '12'), 'text 12')
  t.equal(await textOf(store, 'a/b', '3'), 'text 3')
  for (const version of ['2', '13', '0', '03', '3.0', 'latest', '']) {
    t.equal(await reasonOf(readSecret(store, 'a/b', version)), 'not_found', version)
  }
})

test('writers at the same time each get a version of their own', async (t) => {
  const { store } = await open(t)
  const written = await Promise.all(
    Array.from({ length: 10 }, (_, i) => putSecret(store, 'raced', secret(`by ${i}`)))
  )
  t.strictSame(
    written.map(({ version }) => Number(version)).sort((a, b) => a - b),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
  )
  for (const [i, { version }] of written.entries()) {
    t.equal(await textOf(store, 'raced', version), `by ${i}`)
  }
})

test('a state that changes before every write ends in a fault, not in a loop', async (t) => {
  const { store, state } = await open(t)
  let attempts = 0
  const compareAndSet = async (): Promise<boolean> => {
    attempts++
    return false
  }
  const contended = { ...store, state: { ...state, compareAndSet } }
  t.equal(await reasonOf(putSecret(contended, 'x', secret('y'))), 'unavailable')
  t.equal(attempts, 100)
})

test('a deleted secret is gone with all its versions, and its numbers are not given again', async (t) => {
  const { store, provider } = await open(t)
  await putSecret(store, 'a', secret('one'))
  await putSecret(store, 'a', secret('two'))
  t.equal(await deleteSecret(store, 'a'), true)
  t.equal(await reasonOf(provider.read({ path: 'a' }, within)), 'not_found')
  t.equal(await reasonOf(provider.read({ path: 'a', version: '1' }, within)), 'not_found')
  t.strictSame(await listSecrets(store), [])
  t.equal(await deleteSecret(store, 'a'), false)
  t.equal(await deleteSecret(store, 'never'), false)
  t.strictSame(await putSecret(store, 'a', secret('three')), { version: '3' })
  t.equal(await textOf(store, 'a'), 'three')
  t.equal(await reasonOf(provider.read({ path: 'a', version: '2' }, within)), 'not_found')
})

test('isCurrent says whether a read would give this version now', async (t) => {
  const { store, provider } = await open(t)
  const isCurrent = (version: string, asked?: string): boolean | undefined =>
    provider.isCurrent?.(
      asked === undefined ? { path: 'a' } : { path: 'a', version: asked },
      version
    )
  t.equal(isCurrent('1'), false, 'never stored')
  await putSecret(store, 'a', secret('one'))
  t.equal(isCurrent('1'), true)
  await putSecret(store, 'a', secret('two'))
  t.equal(isCurrent('1'), false, 'there is a newer one')
  t.equal(isCurrent('2'), true)
  t.equal(isCurrent('1', '1'), true, 'asked for by number, and kept')
  await deleteSecret(store, 'a')
  t.equal(isCurrent('2'), false, 'deleted')
  t.equal(isCurrent('1', '1'), false, 'deleted, by number')
  await putSecret(store, 'a', secret('three'))
  t.equal(isCurrent('2'), false, 'stored anew under the next number')
  t.equal(isCurrent('2', '2'), false, 'not kept by what was stored anew')
  t.equal(isCurrent('3'), true)
  for (let i = 0; i < 10; i++) await putSecret(store, 'a', secret('later'))
  t.equal(isCurrent('3', '3'), false, 'crowded out by ten newer ones')
  t.equal(isCurrent('4', '4'), true)
})

test('list gives the secrets below a prefix in order, without their texts', async (t) => {
  const { store } = await open(t)
  const canary = createCanary()
  for (const path of ['b', 'a/2', 'a/1', 'a/1', 'ab']) {
    await putSecret(store, path, secret(canary.token))
  }
  await putSecret({ ...store, name: 'other' }, 'a/3', secret('of another store'))
  const listed = await listSecrets(store, 'a/')
  const createdAt = '2026-03-01T12:00:00.000Z'
  t.strictSame(listed, [
    { path: 'a/1', version: '2', versions: 2, createdAt },
    { path: 'a/2', version: '1', versions: 1, createdAt }
  ])
  t.strictSame(
    (await listSecrets(store)).map(({ path }) => path),
    ['a/1', 'a/2', 'ab', 'b']
  )
  t.strictSame(canary.findIn(everythingIn(listed)), [])
})

test('no value stands in the state or in a fault', async (t) => {
  const { store, state, provider } = await open(t)
  const canary = createCanary()
  await putSecret(store, 'a', secret(canary.token))
  await putSecret(store, 'a', secret(`${canary.token} again`))
  for await (const { value } of state.list('')) t.strictSame(canary.findIn(value), [])
  t.strictSame(canary.findIn(everythingIn(await provider.read({ path: 'a' }, within))), [])
})

test('an entry that was moved, relabelled or damaged is not opened, and the log names the store', async (t) => {
  const { store, state, provider, deps } = await open(t)
  const put = async (path: string, value: Buffer): Promise<void> => {
    await state.compareAndSet(keyOf(path), await state.get(keyOf(path)), value)
  }
  await putSecret(store, 'mine', secret('one'))
  await putSecret(store, 'mine', secret('two'))
  const entry = (await state.get(keyOf('mine'))) ?? Buffer.alloc(0)

  await put('theirs', entry)
  t.equal(await reasonOf(provider.read({ path: 'theirs' }, within)), 'misconfigured')

  for (const offset of [3, 7, 20, entry.length - 1]) {
    const damaged = Buffer.from(entry)
    damaged[offset] = (damaged[offset] ?? 0) ^ 1
    await put('mine', damaged)
    const reason = await reasonOf(provider.read({ path: 'mine' }, within))
    t.equal(reason, 'misconfigured', `byte ${offset}`)
  }
  t.equal(deps.lines.length, 5)
  t.ok(deps.lines.every((line) => line.startsWith('error') && line.includes('"store":"tested"')))
})

test('without its encryption key a secret is not opened, and a write does not bury it', async (t) => {
  const key = newEncryptionKey()
  const { store, provider, reload } = await open(t, [key])
  await putSecret(store, 'a', secret('one'))
  reload(sealerOf(newEncryptionKey()))
  t.equal(await reasonOf(provider.read({ path: 'a' }, within)), 'misconfigured')
  t.equal(await reasonOf(putSecret(store, 'a', secret('two'))), 'misconfigured')
  t.strictSame(await listSecrets(store), [
    { path: 'a', version: '1', versions: 1, createdAt: undefined }
  ])
  reload(sealerOf(key))
  t.equal(await textOf(store, 'a'), 'one')
})

test('rewrap seals everything under the active key, and says what it could not open', async (t) => {
  const [old, active, lost] = [newEncryptionKey(), newEncryptionKey(), newEncryptionKey()]
  const { store, reload } = await open(t, [lost])
  await putSecret(store, 'lost', secret('lost'))
  reload(sealerOf(old))
  for (let i = 0; i < 3; i++) await putSecret(store, `old/${i}`, secret(`old ${i}`))
  await putSecret(store, 'old/0', secret('newer'))
  await putSecret(store, 'gone', secret('gone'))
  await deleteSecret(store, 'gone')
  reload(sealerOf(old, active))
  await putSecret(store, 'new', secret('new'))

  t.strictSame(await rewrapSecrets(store), { total: 5, rewrapped: 3, unreadable: 1 })
  t.strictSame(await rewrapSecrets(store), { total: 5, rewrapped: 0, unreadable: 1 })

  reload(sealerOf(active))
  t.equal(await textOf(store, 'old/0'), 'newer')
  t.equal(await textOf(store, 'old/0', '1'), 'old 0')
  t.equal(await textOf(store, 'old/2'), 'old 2')
  reload(sealerOf(lost))
  t.equal(await textOf(store, 'lost'), 'lost', 'what could not be opened was left alone')
})

test('rewrap loses nothing that is written while it runs', async (t) => {
  const [old, active] = [newEncryptionKey(), newEncryptionKey()]
  const { store, state, reload } = await open(t, [old])
  await putSecret(store, 'a', secret('one'))
  reload(sealerOf(old, active))
  let raced = false
  const compareAndSet: State['compareAndSet'] = async (key, expected, next) => {
    // Another writer, who has the old key ring still, comes first.
    if (!raced) {
      raced = true
      await putSecret({ ...store, sealer: () => sealerOf(old) }, 'a', secret('two'))
    }
    return state.compareAndSet(key, expected, next)
  }
  const counts = await rewrapSecrets({ ...store, state: { ...state, compareAndSet } })
  t.strictSame(counts, { total: 1, rewrapped: 1, unreadable: 0 })
  reload(sealerOf(active))
  t.equal(await textOf(store, 'a'), 'two')
  t.equal(await textOf(store, 'a', '1'), 'one')
})

test('a state that cannot be read or written is a fault, with a line for the operator', async (t) => {
  const { state, deps, provider } = await open(t)
  await state.close()
  t.equal(await reasonOf(provider.read({ path: 'a' }, within)), 'unavailable')
  t.equal(await reasonOf(provider.check(within)), 'unavailable')
  const write = provider.write?.({ path: 'a' }, secret('x'), within) ?? Promise.resolve()
  t.equal(await reasonOf(write), 'unavailable')
  t.equal(deps.lines.length, 3)
})

test('a state that does not answer is a timeout at the abort', async (t) => {
  const { state, deps } = await open(t)
  const get = () => new Promise<undefined>(() => {})
  const provider = await local.connect({}, { ...deps, state: { ...state, get } })
  const abort = new AbortController()
  const reason = reasonOf(provider.read({ path: 'a' }, { signal: abort.signal }))
  abort.abort()
  t.equal(await reason, 'timeout')
})

test('where the state cannot answer at once, there is no isCurrent', async (t) => {
  const { state, deps } = await open(t)
  const { getSync: _, ...shared } = state
  const provider = await local.connect({}, { ...deps, state: shared })
  t.equal('isCurrent' in provider, false)
})
