/** The part of the contract that only a real store can prove: what is stored is what is read. */
import { test } from 'tap'
import { guarded } from '../support/guarded.ts'
import { skipWithout } from '../support/peers.ts'
import { listCases } from './list-suite.ts'
import { readManyCases, tagCases } from './many-suite.ts'
import {
  faultOf,
  powersOf,
  type RealPeer,
  type Subject,
  saidPowers,
  unwrapped,
  within,
  wrapped
} from './subject.ts'
import { writeCases } from './write-suite.ts'

export const realSuite = (kind: string, subject: Subject, real: RealPeer): void => {
  const { path } = subject

  test(`${kind} against its real store`, async (suite) => {
    if (skipWithout(suite, await real.available())) return
    const opened = await real.open(suite)
    const store = { ...opened, provider: guarded(opened.provider) }
    const { provider, seed, seedBinary, remove } = store
    suite.teardown(() => provider.close())

    suite.test('it has the powers that it is said to have, and no other', async (t) => {
      t.strictSame(powersOf(provider), saidPowers(subject))
    })

    suite.test('check succeeds', async () => {
      await provider.check(within())
    })

    suite.test('a text is read as it was stored, with the version of the store', async (t) => {
      const text = 'Zażółć gęślą jaźń 🔑 "quoted" \\ \n\ttabbed'
      const { version } = await seed(path('found/text'), wrapped(subject, text))
      const record = await provider.read({ path: path('found/text') }, within())
      t.equal(unwrapped(subject, record), text)
      t.equal(record.version, version)
      t.equal(record.encoding, undefined)
    })

    suite.test('a JSON object is read with all its fields', async (t) => {
      const texts = { username: 'app', password: 'p"w\\d' }
      const fields =
        subject.stores === 'objects of texts'
          ? texts
          : { ...texts, nested: { port: 5432 }, on: true }
      await seed(path('found/object'), JSON.stringify(fields))
      const record = await provider.read({ path: path('found/object') }, within())
      t.strictSame(JSON.parse(record.text.reveal()), fields)
    })

    if (seedBinary !== undefined) {
      suite.test('bytes that are not UTF-8 come as base64 and say so', async (t) => {
        const bytes = Buffer.from([0x00, 0xff, 0xfe, 0x80, 0x0a, 0xc3])
        await seedBinary(path('found/bytes'), bytes)
        const record = await provider.read({ path: path('found/bytes') }, within())
        t.equal(record.text.reveal(), bytes.toString('base64'))
        t.equal(record.encoding, 'base64')
      })

      suite.test('bytes that are UTF-8 come as their text', async (t) => {
        await seedBinary(path('found/bytes-of-text'), Buffer.from('żółw'))
        const record = await provider.read({ path: path('found/bytes-of-text') }, within())
        t.equal(record.text.reveal(), 'żółw')
        t.equal(record.encoding, undefined)
      })
    }

    for (const name of subject.specialNames) {
      suite.test(`the path ${name} is read as it is written`, async (t) => {
        await seed(path(name), wrapped(subject, `of ${name}`))
        const record = await provider.read({ path: path(name) }, within())
        t.equal(unwrapped(subject, record), `of ${name}`)
      })
    }

    if (subject.storesEmptyText) {
      suite.test('an empty text is a text', async (t) => {
        await seed(path('found/empty'), wrapped(subject, ''))
        const record = await provider.read({ path: path('found/empty') }, within())
        t.equal(unwrapped(subject, record), '')
      })
    }

    suite.test('the largest text comes whole', async (t) => {
      const text = 'x'.repeat(subject.largestTextBytes)
      await seed(path('found/largest'), wrapped(subject, text))
      const record = await provider.read({ path: path('found/largest') }, within())
      t.ok(unwrapped(subject, record) === text)
    })

    suite.test('a secret that was never stored is not found', async (t) => {
      const fault = await faultOf(provider.read({ path: path('never/stored') }, within()))
      t.equal(fault.reason, 'not_found')
    })

    const { absentVersion } = subject
    if (absentVersion !== undefined) {
      suite.test('an older version is read by its id, and the newest without one', async (t) => {
        const where = path('versions/two')
        const first = await seed(where, wrapped(subject, 'first'))
        const second = await seed(where, wrapped(subject, 'second'))
        const old = await provider.read({ path: where, version: first.version }, within())
        t.equal(unwrapped(subject, old), 'first')
        t.equal(old.version, first.version)
        const newest = await provider.read({ path: where }, within())
        t.equal(unwrapped(subject, newest), 'second')
        t.equal(newest.version, second.version)
        t.not(first.version, second.version)
      })

      suite.test('a version that does not exist is not found', async (t) => {
        const where = path('versions/one')
        await seed(where, wrapped(subject, 'only'))
        const fault = await faultOf(
          provider.read({ path: where, version: absentVersion }, within())
        )
        t.equal(fault.reason, 'not_found')
      })
    }

    if (remove !== undefined) {
      suite.test('a deleted secret is not found', async (t) => {
        await seed(path('deleted/one'), wrapped(subject, 'gone'))
        await remove(path('deleted/one'))
        const fault = await faultOf(provider.read({ path: path('deleted/one') }, within()))
        t.equal(fault.reason, 'not_found')
      })
    }

    suite.test('concurrent reads do not mix up their answers', async (t) => {
      const names = Array.from({ length: 20 }, (_, i) => `concurrent/n${i}`)
      for (const name of names) await seed(path(name), wrapped(subject, `of ${name}`))
      const records = await Promise.all(
        names.map((name) => provider.read({ path: path(name) }, within()))
      )
      t.strictSame(
        records.map((record) => unwrapped(subject, record)),
        names.map((name) => `of ${name}`)
      )
    })

    for (const cases of [writeCases, listCases, readManyCases, tagCases]) {
      cases(suite, subject, store)
    }

    suite.test('it may be closed twice', async () => {
      await provider.close()
      await provider.close()
    })
  })
}
