/** The local store's versions: who writes, lists and deletes, and what is there afterwards. */
import { test } from 'tap'
import { newEncryptionKey } from '../../../src/crypto/keyring.ts'
import { deleteSecret, listSecrets, putSecret, readSecret } from '../../../src/kinds/local/store.ts'
import { createCanary, everythingIn } from '../../support/canary.ts'
import { openLocal, reasonOf, sealerOf, secret, textOf, within } from '../../support/open-local.ts'

test('each write gives the next version, and the last ten are kept', async (t) => {
  const { store, provider } = await openLocal(t)
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
  const { store } = await openLocal(t)
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
  const { store, state } = await openLocal(t)
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
  const { store, provider } = await openLocal(t)
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

test('a write may ask that a version is still the newest, and is a conflict otherwise', async (t) => {
  const { store, provider } = await openLocal(t)
  const write = (text: string, ifVersion: string) =>
    provider.write?.({ path: 'a' }, secret(text), { ...within, ifVersion }) ?? Promise.resolve()
  t.equal(provider.comparesVersions, true)
  for (const version of ['0', '1', '']) t.equal(await reasonOf(write('x', version)), 'conflict')
  t.equal(await reasonOf(readSecret(store, 'a')), 'not_found', 'nothing was stored')
  await putSecret(store, 'a', secret('one'))
  t.strictSame(await write('two', '1'), { version: '2' })
  for (const version of ['0', '1', '3', '02', '2.0', ' 2', '']) {
    t.equal(await reasonOf(write('x', version)), 'conflict', version)
  }
  t.equal(await textOf(store, 'a'), 'two')
  await deleteSecret(store, 'a')
  t.equal(await reasonOf(write('x', '2')), 'conflict', 'deleted')
  t.strictSame(await putSecret(store, 'a', secret('three')), { version: '3' })
})

test('of writers at the same time that ask for one version, one writes', async (t) => {
  const { store, provider } = await openLocal(t)
  await putSecret(store, 'a', secret('before'))
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, (_, i) => {
      const written = provider.write?.({ path: 'a' }, secret(`${i}`), { ...within, ifVersion: '1' })
      return reasonOf(Promise.resolve(written))
    })
  )
  t.strictSame(outcomes.sort(), [...Array(19).fill('conflict'), 'none'])
  t.equal((await readSecret(store, 'a')).version, '2')
})

test('a text above 64 KiB is refused, and counted in bytes', async (t) => {
  const { store } = await openLocal(t)
  await putSecret(store, 'a', secret('ż'.repeat(32_768)))
  for (const text of [`${'ż'.repeat(32_768)}x`, 'x'.repeat(65_537)]) {
    t.equal(await reasonOf(putSecret(store, 'a', secret(text))), 'invalid_request')
  }
  t.equal((await readSecret(store, 'a')).version, '1')
})

test('list gives the secrets below a prefix in order, without their texts', async (t) => {
  const { store } = await openLocal(t)
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

test('the provider lists pages of paths, without the deleted and without opening anything', async (t) => {
  const { store, provider, reload } = await openLocal(t)
  const paths = ['a', 'a-b', 'a/1', 'a/2', 'a/3', 'a/4', 'a/b/c', 'ab', 'ż', '🔑', '\uffee']
  for (const path of [...paths].reverse()) await putSecret(store, path, secret('x'))
  await putSecret({ ...store, name: 'tested2' }, 'a/5', secret('of another store'))
  await deleteSecret(store, 'a/3')
  reload(sealerOf(newEncryptionKey()))

  const list = (prefix: string, limit: number, cursor?: string) =>
    provider.list?.(prefix, { limit, ...(cursor !== undefined && { cursor }) }, within)
  t.strictSame(await list('a/', 2), {
    paths: ['a/1', 'a/2'],
    cursor: 'a/2',
    isMoreWanted: true
  })
  t.strictSame(await list('a/', 2, 'a/2'), { paths: ['a/4', 'a/b/c'] })
  t.strictSame(await list('a/', 2, 'a/3'), { paths: ['a/4', 'a/b/c'] }, 'after one that is gone')
  t.strictSame(await list('none/', 2), { paths: [] })
  t.strictSame(await list('a/', 2, 'zzz'), { paths: [] })
  t.strictSame((await list('a/', 1, ''))?.paths, ['a/1'])

  const listed: string[] = []
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const page = await list('', 3, cursor)
    listed.push(...(page?.paths ?? []))
    cursor = page?.cursor
  }
  const kept = paths.filter((path) => path !== 'a/3')
  t.strictSame(
    listed,
    kept.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  )
})
