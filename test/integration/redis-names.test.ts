/** What Redis learns of names and values: nothing; and what a rotation of the encryption key does to them: no harm. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { createInvalidation } from '../../src/cache/invalidation.ts'
import { Sensitive } from '../../src/core/secret.ts'
import { createKeyring, newEncryptionKey } from '../../src/crypto/keyring.ts'
import { createSealer } from '../../src/crypto/sealer.ts'
import {
  deleteSecret,
  type LocalStore,
  listSecrets,
  putSecret,
  readSecret,
  rewrapSecrets
} from '../../src/kinds/local/store.ts'
import { createRedisState } from '../../src/state/redis-state.ts'
import type { RedisAddress } from '../../src/state/redis-url.ts'
import type { State } from '../../src/state/state.ts'
import { createCanary } from '../support/canary.ts'
import { reasonOf } from '../support/open-local.ts'
import { openShared, PATIENT } from '../support/open-shared.ts'
import { eventually, type RedisServer, skipWithoutRedis, startRedis } from '../support/redis.ts'

const open = (t: Test, address: RedisAddress, ...keys: string[]): [State, LocalStore] => {
  const keyring = createKeyring(keys)
  const sealer = createSealer(keyring)
  const state = createRedisState({ address, prefix: 'purser:', keyring: () => keyring })
  t.teardown(() => state.close())
  return [state, { name: 'local', state, sealer: () => sealer, now: Date.now }]
}

const textOf = async (store: LocalStore, path: string): Promise<string> =>
  (await readSecret(store, path)).text.reveal()

const put = (store: LocalStore, path: string, text: string) =>
  putSecret(store, path, new Sensitive(text))

/** Every command that arrives, as Redis shows it. */
const watch = async (t: Test, { port }: RedisServer): Promise<() => string> => {
  const child = spawn('redis-cli', ['-h', '127.0.0.1', '-p', String(port), 'monitor'])
  t.teardown(() => child.kill('SIGKILL'))
  let seen = ''
  child.stdout.on('data', (chunk: Buffer) => {
    seen += chunk.toString('latin1')
  })
  await eventually(() => seen.startsWith('OK'))
  return () => seen
}

const dumpOf = ({ cli }: RedisServer): Buffer => {
  cli('save')
  const directory = cli('config', 'get', 'dir').split('\n')[1] ?? ''
  return readFileSync(join(directory, 'dump.rdb'))
}

test('names and values in Redis', async (all) => {
  if (await skipWithoutRedis(all)) return

  await all.test('neither a command nor a dump shows a name or a value', async (t) => {
    const server = await startRedis(t, { args: ['--rdbcompression', 'no'] })
    const commands = await watch(t, server)
    const [state, store] = open(t, server.address, newEncryptionKey(), newEncryptionKey())
    const { shared, whole } = openShared(t, server.address, PATIENT)
    const canaries = Array.from({ length: 4 }, createCanary)
    const [name, value, bot, rest] = canaries.map(({ token }) => token)
    await put(store, `salaries/${name}`, `${value}`)
    await state.compareAndSet(`runtime/bots/${bot}`, undefined, Buffer.from('sealed by its owner'))
    await state.compareAndSet(`whatever/${rest}`, undefined, Buffer.from('sealed by its owner'))
    await state.compareAndSet('revoked/0b6d1c9e', undefined, Buffer.from('{}'))
    t.equal(await textOf(store, `salaries/${name}`), value)
    t.equal((await listSecrets(store)).length, 1)
    await whole()
    const bus = createInvalidation({
      drop: () => 0,
      shared,
      keyring: () => createKeyring([newEncryptionKey()]),
      stores: () => ['payroll'],
      lifetimeMs: 60_000
    })
    for (const path of [`salaries/${name}`, undefined]) {
      await bus.invalidate({ store: 'payroll', ...(path && { path }) })
    }
    bus.changed({ store: 'payroll', path: 'salaries/other' })
    bus.close()
    await shared.put('sealed', Buffer.from('sealed by its owner'), 60_000)
    await eventually(() => commands().split('"publish"').length > 3)
    const [dump, seen] = [dumpOf(server), commands()]
    t.match(seen, /revoked\/0b6d1c9e/, 'it is looked at the right place')
    for (const { findIn } of canaries) {
      t.strictSame(findIn(dump), [])
      t.strictSame(findIn(seen), [])
    }
    t.notMatch(seen, /salaries|payroll/)
    // The trials of rights end by themselves.
    const isTrial = (key: string): boolean => key.includes('{check:')
    const keys = server
      .cli('--scan')
      .split('\n')
      .filter((key) => !isTrial(key))
      .sort()
    const lasting = keys.filter((key) => server.cli('pttl', key) === '-1')
    t.strictSame(
      lasting,
      ['rest', 'revoked', 'runtime', 'store'].flatMap((space) =>
        ['names', 'values'].map((hash) => `purser:{state:${space}}:${hash}`)
      )
    )
    t.equal(keys.length, lasting.length + 5, 'two marks, two counts and what was put')
  })

  await all.test(
    'after a rotation everything is found, changed and listed under its name',
    async (t) => {
      const { address, cli } = await startRedis(t)
      const [former, fresh] = [newEncryptionKey(), newEncryptionKey()]
      const [, before] = open(t, address, former)
      for (const path of ['a', 'b', 'c', 'gone']) await put(before, path, `${path} 1`)
      await deleteSecret(before, 'gone')

      const [state, during] = open(t, address, former, fresh)
      t.equal(await textOf(during, 'a'), 'a 1')
      await put(during, 'b', 'b 2')
      t.equal(await deleteSecret(during, 'c'), true)
      t.strictSame(
        (await listSecrets(during)).map(({ path, version }) => `${path} ${version}`),
        ['a 1', 'b 2']
      )
      t.equal(cli('hlen', 'purser:{state:store}:names'), '4', 'an entry moves, it is not doubled')
      t.strictSame(await rewrapSecrets(during), { total: 2, rewrapped: 1, unreadable: 0 })
      t.strictSame(await state.rewrapNames?.(), { moved: 1, unreadable: 0 }, 'the deleted one')
      t.strictSame(await state.rewrapNames?.(), { moved: 0, unreadable: 0 })

      const [, after] = open(t, address, fresh)
      t.equal(await textOf(after, 'a'), 'a 1')
      t.equal(await textOf(after, 'b'), 'b 2')
      t.strictSame(
        await put(after, 'gone', 'again'),
        { version: '2' },
        'a number is given out once'
      )
      t.strictSame(await put(after, 'c', 'again'), { version: '2' })
      t.equal(cli('hlen', 'purser:{state:store}:values'), '4')
    }
  )

  await all.test('what stands under a lost encryption key is counted, not found', async (t) => {
    const { address } = await startRedis(t)
    const [, before] = open(t, address, newEncryptionKey())
    await put(before, 'a', 'x')
    const [state, after] = open(t, address, newEncryptionKey())
    t.equal(await reasonOf(readSecret(after, 'a')), 'not_found')
    t.strictSame(await listSecrets(after), [])
    t.strictSame(await state.rewrapNames?.(), { moved: 0, unreadable: 1 })
  })

  await all.test('names that were exchanged in Redis are not believed', async (t) => {
    const { address, cli } = await startRedis(t)
    const [state, store] = open(t, address, newEncryptionKey())
    await put(store, 'a', 'x')
    await put(store, 'b', 'y')
    const [one = '', other = ''] = cli('hkeys', 'purser:{state:store}:names').split('\n')
    cli(
      'eval',
      `local a = redis.call('HGET', KEYS[1], ARGV[1])
      redis.call('HSET', KEYS[1], ARGV[1], redis.call('HGET', KEYS[1], ARGV[2]))
      redis.call('HSET', KEYS[1], ARGV[2], a)`,
      ...['1', 'purser:{state:store}:names', one, other]
    )
    t.strictSame(await listSecrets(store), [])
    t.strictSame(await state.rewrapNames?.(), { moved: 0, unreadable: 2 })
  })
})
