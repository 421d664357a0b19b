/** What every kind of state owes its users: run against the embedded one and whatever may follow it. */
import { type Test, test } from 'tap'
import type { State } from '../../src/state/state.ts'
import { increment } from '../support/increment.ts'

export interface StateSubject {
  /** The same state, opened twice as two replicas would. */
  readonly first: State
  readonly second: State
}

const bytes = (text: string): Buffer => Buffer.from(text)

const keysOf = async (state: State, prefix: string): Promise<string[]> => {
  const keys: string[] = []
  for await (const { key } of state.list(prefix)) keys.push(key)
  return keys
}

/** `open` gives an empty state and ends it with its test; `parent` is the test around all of them, if there is one. */
export const stateSuite = (
  name: string,
  open: (t: Test) => Promise<StateSubject>,
  parent?: Test
): Promise<unknown> =>
  (parent?.test.bind(parent) ?? test)(name, async (suite) => {
    suite.test('a key that was never set is undefined', async (t) => {
      const { first } = await open(t)
      t.equal(await first.get('nothing'), undefined)
    })

    suite.test('bytes come back as they were put, whatever they are', async (t) => {
      const { first, second } = await open(t)
      const values = [
        Buffer.alloc(0),
        Buffer.of(0, 255, 10),
        Buffer.alloc(33_000, 7),
        Buffer.alloc(700_000, 9)
      ]
      for (const [i, value] of values.entries()) {
        t.equal(await first.compareAndSet(`value/${i}`, undefined, value), true)
        t.ok((await first.get(`value/${i}`))?.equals(value))
        t.ok((await second.get(`value/${i}`))?.equals(value))
      }
    })

    suite.test('bytes that were given stay as they are when others are read', async (t) => {
      const { first } = await open(t)
      await first.compareAndSet('a', undefined, bytes('one'))
      await first.compareAndSet('b', undefined, bytes('two'))
      const a = await first.get('a')
      await first.get('b')
      t.equal(a?.toString(), 'one')
    })

    suite.test('compareAndSet does nothing where something else stands', async (t) => {
      const { first } = await open(t)
      t.equal(await first.compareAndSet('k', bytes('old'), bytes('new')), false)
      t.equal(await first.get('k'), undefined)
      t.equal(await first.compareAndSet('k', undefined, bytes('old')), true)
      t.equal(await first.compareAndSet('k', undefined, bytes('new')), false)
      t.equal(await first.compareAndSet('k', bytes('other'), bytes('new')), false)
      t.equal(await first.compareAndSet('k', bytes('other'), undefined), false)
      t.equal((await first.get('k'))?.toString(), 'old')
      t.equal(await first.compareAndSet('k', bytes('old'), bytes('new')), true)
      t.equal((await first.get('k'))?.toString(), 'new')
    })

    suite.test('compareAndSet to undefined removes the key', async (t) => {
      const { first, second } = await open(t)
      await first.compareAndSet('k', undefined, bytes('old'))
      t.equal(await second.compareAndSet('k', bytes('old'), undefined), true)
      t.equal(await first.get('k'), undefined)
      t.strictSame(await keysOf(first, 'k'), [])
    })

    suite.test('of many changes at once from the same bytes, one is made', async (t) => {
      const { first, second } = await open(t)
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          (i % 2 === 0 ? first : second).compareAndSet('k', undefined, bytes(String(i)))
        )
      )
      t.equal(outcomes.filter(Boolean).length, 1)
      t.equal((await first.get('k'))?.toString(), String(outcomes.indexOf(true)))
    })

    suite.test('of 200 increments by two writers none is lost', async (t) => {
      const { first, second } = await open(t)
      const writer = async (state: State): Promise<void> => {
        for (let i = 0; i < 100; i++) await increment(state, 'counter')
      }
      await Promise.all([writer(first), writer(second)])
      t.equal((await first.get('counter'))?.toString(), '200')
    })

    suite.test('list gives what starts with the prefix, in the order of the keys', async (t) => {
      const { first } = await open(t)
      const keys = ['a/', 'a/1', 'a/10', 'a/2', 'a/Z', 'a/z', 'a/é', 'a/\u{ffff}', 'a/🔑']
      const others = ['a', 'a.', 'a0', 'b/1', 'A/1']
      for (const key of [...keys, ...others].reverse()) {
        await first.compareAndSet(key, undefined, bytes(`of ${key}`))
      }
      t.strictSame(await keysOf(first, 'a/'), keys)
      t.strictSame(await keysOf(first, 'nothing/'), [])
      t.equal((await keysOf(first, '')).length, keys.length + others.length)
      for await (const { key, value } of first.list('a/')) t.equal(value.toString(), `of ${key}`)
    })

    suite.test(
      'list begins after the key that it is given, whether that is there or not',
      async (t) => {
        const { first } = await open(t)
        const keys = ['a/1', 'a/10', 'a/2', 'a/Z', 'a/é', 'a/🔑']
        for (const key of ['A/1', ...keys, 'b/1'].reverse()) {
          await first.compareAndSet(key, undefined, bytes(key))
        }
        const after = async (last: string): Promise<string[]> => {
          const found: string[] = []
          for await (const { key } of first.list('a/', last)) found.push(key)
          return found
        }
        for (const [i, key] of keys.entries())
          t.strictSame(await after(key), keys.slice(i + 1), key)
        t.strictSame(await after('a/11'), keys.slice(2))
        for (const before of ['A/1', 'a', 'a/']) t.strictSame(await after(before), keys, before)
        for (const behind of ['a0', 'b/1']) t.strictSame(await after(behind), [], behind)
      }
    )

    suite.test('list is whole however long, and bears changes meanwhile', async (t) => {
      const { first, second } = await open(t)
      const keys = Array.from({ length: 230 }, (_, i) => `n/${String(i).padStart(3, '0')}`)
      for (const key of keys) await first.compareAndSet(key, undefined, bytes(key))
      const seen: string[] = []
      for await (const { key } of first.list('n/')) {
        seen.push(key)
        if (key === 'n/100') {
          await second.compareAndSet('n/000a', undefined, bytes('behind'))
          await second.compareAndSet('n/999', undefined, bytes('ahead'))
          await second.compareAndSet('n/220', bytes('n/220'), undefined)
        }
      }
      const lasting = keys.filter((key) => key !== 'n/220')
      t.strictSame(
        seen.filter((key) => lasting.includes(key)),
        lasting,
        'what stood there all the time comes exactly once, in order'
      )
    })

    suite.test(
      'a key of 1,900 bytes is a key, a longer one and an empty one are errors',
      async (t) => {
        const { first } = await open(t)
        const longest = 'é'.repeat(950)
        t.equal(await first.compareAndSet(longest, undefined, bytes('1')), true)
        t.equal((await first.get(longest))?.toString(), '1')
        t.strictSame(await keysOf(first, longest), [longest])
        for (const key of [`${longest}x`, '']) {
          await t.rejects(first.get(key), /a state key has/)
          await t.rejects(first.compareAndSet(key, undefined, bytes('1')), /a state key has/)
        }
      }
    )

    suite.test('where it answers at once, it gives what was changed last', async (t) => {
      const { first, second } = await open(t)
      const { getSync, peekSync } = first
      if (getSync === undefined || peekSync === undefined) {
        t.pass('this kind cannot')
        return
      }
      t.equal(getSync('k'), undefined)
      await second.compareAndSet('k', undefined, bytes('0123456789'))
      t.equal(getSync('k')?.toString(), '0123456789')
      const peek = (key: string) => peekSync(bytes(key), (found) => found.toString())
      t.equal(peek('k'), '0123456789')
      t.equal(peek('absent'), undefined)
      const before = getSync('k')
      await second.compareAndSet('k', bytes('0123456789'), bytes('abcdef'))
      t.equal(getSync('k')?.toString(), 'abcdef')
      t.equal(peek('k'), 'abcdef')
      t.equal(before?.toString(), '0123456789')
    })

    suite.test('it may be closed twice, and answers no more', async (t) => {
      const { first } = await open(t)
      await first.compareAndSet('k', undefined, bytes('1'))
      await first.close()
      await first.close()
      await t.rejects(first.get('k'), /closed/)
      await t.rejects(first.compareAndSet('k', undefined, bytes('2')), /closed/)
    })
  })
