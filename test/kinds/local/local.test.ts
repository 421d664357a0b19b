/** The local store: what the contract suite does not ask of every kind, because only this one seals and has no peer. */
import { test } from 'tap'
import { newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { local } from '../../../src/kinds/local/index.ts'
import {
  deleteSecret,
  listPaths,
  listSecrets,
  putSecret,
  rewrapSecrets
} from '../../../src/kinds/local/store.ts'
import type { State } from '../../../src/state/state.ts'
import { createCanary, everythingIn } from '../../support/canary.ts'
import { guarded } from '../../support/guarded.ts'
import {
  keyOf,
  openLocal,
  reasonOf,
  sealerOf,
  secret,
  textOf,
  within
} from '../../support/open-local.ts'

test('isCurrent says whether a read would give this version now', async (t) => {
  const { store, provider } = await openLocal(t)
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

test('no value stands in the state or in a fault', async (t) => {
  const { store, state, provider } = await openLocal(t)
  const canary = createCanary()
  await putSecret(store, 'a', secret(canary.token))
  await putSecret(store, 'a', secret(`${canary.token} again`))
  for await (const { value } of state.list('')) t.strictSame(canary.findIn(value), [])
  t.strictSame(canary.findIn(everythingIn(await provider.read({ path: 'a' }, within))), [])
})

test('of 10,000 secrets a page costs as many looks at the end as at the start', async (t) => {
  const { store, state } = await openLocal(t)
  const name = (n: number): string => `a${String(n).padStart(5, '0')}`
  await putSecret(store, name(0), secret('one'))
  const entry = await state.get(keyOf(name(0)))
  const others = Array.from({ length: 9_999 }, (_, i) => keyOf(name(i + 1)))
  await Promise.all(others.map((key) => state.compareAndSet(key, undefined, entry)))
  let looks = 0
  const counted: State = {
    ...state,
    list: async function* (...range) {
      for await (const one of state.list(...range)) {
        looks++
        yield one
      }
    }
  }
  const page = async (cursor?: string): Promise<number> => {
    looks = 0
    const listing = await listPaths({ ...store, state: counted }, '', {
      limit: 100,
      ...(cursor !== undefined && { cursor })
    })
    t.equal(listing.paths.length, 100)
    t.equal(listing.paths[0], name(cursor === undefined ? 0 : Number(cursor.slice(1)) + 1))
    return looks
  }
  t.equal(await page(), 101, 'the one more tells that there is another page')
  t.equal(await page(name(4_999)), 101)
  t.equal(await page(name(9_899)), 100)
})

test('an entry that was moved, relabelled or damaged is not opened, and the log names the store', async (t) => {
  const { store, state, provider, deps } = await openLocal(t)
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

test('an entry that is too short is a damaged one: it hides no other, and can be deleted', async (t) => {
  const { store, state, provider } = await openLocal(t)
  for (const path of ['a', 'b']) await putSecret(store, path, secret('x'))
  for (const bytes of [Buffer.alloc(0), Buffer.from('abc')]) {
    await state.compareAndSet(keyOf('a'), await state.get(keyOf('a')), bytes)
    t.equal(await reasonOf(provider.read({ path: 'a' }, within)), 'misconfigured')
    t.equal(await reasonOf(putSecret(store, 'a', secret('two'))), 'misconfigured')
    t.strictSame(
      (await listSecrets(store)).map(({ path }) => path),
      ['a', 'b']
    )
    t.equal(await deleteSecret(store, 'a'), true)
    await putSecret(store, 'a', secret('three'))
    t.equal(await textOf(store, 'a'), 'three')
  }
})

test('without its encryption key a secret is not opened, and a write does not bury it', async (t) => {
  const key = newEncryptionKey()
  const { store, provider, reload } = await openLocal(t, [key])
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
  const { store, reload } = await openLocal(t, [lost])
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
  const { store, state, reload } = await openLocal(t, [old])
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
  const { state, deps, provider } = await openLocal(t)
  await state.close()
  t.equal(await reasonOf(provider.read({ path: 'a' }, within)), 'unavailable')
  t.equal(await reasonOf(provider.check(within)), 'unavailable')
  const write = provider.write?.({ path: 'a' }, secret('x'), within) ?? Promise.resolve()
  t.equal(await reasonOf(write), 'unavailable')
  t.equal(deps.lines.length, 3)
})

test('a state that does not answer is a timeout at the abort', async (t) => {
  const { state, deps } = await openLocal(t)
  const get = () => new Promise<undefined>(() => {})
  const provider = guarded(await local.connect({}, { ...deps, state: { ...state, get } }))
  const abort = new AbortController()
  const reason = reasonOf(provider.read({ path: 'a' }, { signal: abort.signal }))
  abort.abort()
  t.equal(await reason, 'timeout')
})

test('where the state cannot answer at once, there is no isCurrent', async (t) => {
  const { state, deps } = await openLocal(t)
  const { peekSync: _, ...shared } = state
  const provider = await local.connect({}, { ...deps, state: shared })
  t.equal('isCurrent' in provider, false)
})
