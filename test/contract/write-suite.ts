/** What a store that can write owes, proved on a real one: what was written is what is read, and nothing is lost. */
import type { Test } from 'tap'
import { Sensitive } from '../../src/core/secret.ts'
import type { WriteOptions } from '../../src/kinds/provider.ts'
import { faultOf, type RealStore, type Subject, unwrapped, within, wrapped } from './subject.ts'

const SIDE_BY_SIDE = 8

export const writeCases = (suite: Test, subject: Subject, { provider, seed }: RealStore): void => {
  const { path, powers: { write: power } = {} } = subject
  const { write } = provider
  if (power === undefined || write === undefined) return
  const { toMissing, tooLargeBytes, comparesVersions, keepsVersionOfSame } = power

  const put = (where: string, text: string, options: Partial<WriteOptions> = {}) =>
    write({ path: where }, new Sensitive(wrapped(subject, text)), { ...within(), ...options })
  const readText = async (where: string, version?: string) => {
    const locator = { path: where, ...(version !== undefined && { version }) }
    return unwrapped(subject, await provider.read(locator, within()))
  }
  const seedText = (where: string, text: string) => seed(where, wrapped(subject, text))

  suite.test('a write makes a new version, which the next read gives', async (t) => {
    const where = path('write/new')
    const { version: before } = await seedText(where, 'before')
    const { version } = await put(where, 'after')
    t.not(version, before)
    const record = await provider.read({ path: where }, within())
    t.equal(unwrapped(subject, record), 'after')
    t.equal(record.version, version)
  })

  suite.test('the same text written twice is two versions, unless this kind says so', async (t) => {
    const where = path('write/same')
    await seedText(where, 'before')
    const [once, twice] = [await put(where, 'same'), await put(where, 'same')]
    t.equal(once.version === twice.version, keepsVersionOfSame === true)
  })

  if (subject.absentVersion !== undefined) {
    suite.test('what was there before a write can still be read by its version', async (t) => {
      const where = path('write/old')
      const { version: seeded } = await seedText(where, 'seeded')
      const { version: written } = await put(where, 'written')
      await put(where, 'newest')
      t.equal(await readText(where, seeded), 'seeded')
      t.equal(await readText(where, written), 'written')
    })
  }

  suite.test('a text is written as it is, whatever stands in it', async (t) => {
    const where = path('write/text')
    await seedText(where, 'before')
    const texts = [
      'Zażółć gęślą jaźń 🔑 "quoted" \\ \r\n\ttabbed',
      ' spaces around ',
      '$HOME $(id) `id` %41 &amp; \u0001\u007f\u2028',
      '{"looks":"like","an":["object"]}',
      'true',
      '"'
    ]
    for (const text of texts) {
      await put(where, text)
      t.equal(await readText(where), text)
    }
  })

  suite.test('a JSON object is written with all its fields', async (t) => {
    const where = path('write/object')
    await seedText(where, 'before')
    const fields = { username: 'app', password: 'p"w\\d', empty: '' }
    await write({ path: where }, new Sensitive(JSON.stringify(fields)), within())
    const record = await provider.read({ path: where }, within())
    t.strictSame(JSON.parse(record.text.reveal()), fields)
  })

  for (const name of subject.specialNames) {
    suite.test(`a write goes to the path ${name} as it is written`, async (t) => {
      await seedText(path(name), 'before')
      await put(path(name), `written to ${name}`)
      t.equal(await readText(path(name)), `written to ${name}`)
    })
  }

  suite.test('the largest text is written whole', async (t) => {
    const where = path('write/largest')
    await seedText(where, 'before')
    const text = 'x'.repeat(subject.largestTextBytes)
    await put(where, text)
    t.ok((await readText(where)) === text)
  })

  if (tooLargeBytes !== undefined) {
    suite.test('a text that is too large is refused, and what was there stays', async (t) => {
      const where = path('write/too-large')
      await seedText(where, 'before')
      // Bytes count, not characters.
      for (const text of ['x'.repeat(tooLargeBytes), 'ż'.repeat(Math.ceil(tooLargeBytes / 2))]) {
        t.equal((await faultOf(put(where, text))).reason, 'invalid_request')
      }
      t.equal(await readText(where), 'before')
    })
  }

  suite.test('an empty text is written, or refused where it cannot be kept', async (t) => {
    const where = path('write/empty')
    await seedText(where, 'before')
    if (!subject.storesEmptyText) {
      t.equal((await faultOf(put(where, ''))).reason, 'invalid_request')
      t.equal(await readText(where), 'before')
      return
    }
    await put(where, '')
    t.equal(await readText(where), '')
  })

  suite.test('a write to a secret that does not exist does what this kind says', async (t) => {
    const where = path('write/missing')
    if (toMissing === 'not_found') {
      t.equal((await faultOf(put(where, 'first'))).reason, 'not_found')
      t.equal((await faultOf(readText(where))).reason, 'not_found')
      return
    }
    const { version } = await put(where, 'first')
    const record = await provider.read({ path: where }, within())
    t.equal(unwrapped(subject, record), 'first')
    t.equal(record.version, version)
  })

  suite.test('writes in parallel all get a version of their own, and none is lost', async (t) => {
    const where = path('write/parallel')
    await seedText(where, 'before')
    const texts = Array.from({ length: SIDE_BY_SIDE }, (_, i) => `parallel ${i}`)
    const written = await Promise.all(texts.map((text) => put(where, text)))
    t.equal(new Set(written.map(({ version }) => version)).size, SIDE_BY_SIDE)
    const newest = await provider.read({ path: where }, within())
    const winner = written.findIndex(({ version }) => version === newest.version)
    t.equal(unwrapped(subject, newest), texts[winner])
    if (subject.absentVersion === undefined) return
    for (const [i, { version }] of written.entries()) {
      t.equal(await readText(where, version), texts[i])
    }
  })

  suite.test('a write that is aborted before it starts writes nothing', async (t) => {
    const where = path('write/aborted')
    await seedText(where, 'before')
    const fault = await faultOf(put(where, 'after', { signal: AbortSignal.abort() }))
    t.equal(fault.reason, 'timeout')
    t.equal(await readText(where), 'before')
  })

  if (comparesVersions) {
    suite.test('a write that names the newest version is done', async (t) => {
      const where = path('write/compared')
      const { version: ifVersion } = await seedText(where, 'before')
      const { version } = await put(where, 'after', { ifVersion })
      t.equal(await readText(where), 'after')
      await put(where, 'once more', { ifVersion: version })
      t.equal(await readText(where), 'once more')
    })

    suite.test(
      'a write that names another version is a conflict, and changes nothing',
      async (t) => {
        const where = path('write/conflict')
        const { version: old } = await seedText(where, 'old')
        await seedText(where, 'newest')
        for (const ifVersion of [old, subject.absentVersion ?? '99', 'not a version', '']) {
          t.equal((await faultOf(put(where, 'mine', { ifVersion }))).reason, 'conflict', ifVersion)
        }
        t.equal(await readText(where), 'newest')
      }
    )

    suite.test('a write that is to create a secret changes none that is there', async (t) => {
      const where = path('write/created')
      await seedText(where, 'before')
      const fault = await faultOf(put(where, 'mine', { ifAbsent: true }))
      t.equal(fault.reason, 'conflict')
      t.equal(await readText(where), 'before')
      const absent = path('write/absent-before')
      if (toMissing === 'not_found') {
        const missing = await faultOf(put(absent, 'mine', { ifAbsent: true }))
        t.equal(missing.reason, 'not_found', 'this kind creates none')
        return
      }
      const outcomes = await Promise.allSettled(
        Array.from({ length: SIDE_BY_SIDE }, (_, i) => put(absent, `m${i}`, { ifAbsent: true }))
      )
      const created = outcomes.flatMap(({ status }, i) => (status === 'fulfilled' ? [i] : []))
      t.equal(created.length, 1)
      t.equal(await readText(absent), `m${created[0]}`)
    })

    suite.test('of writes in parallel that name the same version, one is done', async (t) => {
      const where = path('write/race')
      const { version: ifVersion } = await seedText(where, 'before')
      const outcomes = await Promise.allSettled(
        Array.from({ length: SIDE_BY_SIDE }, (_, i) => put(where, `racer ${i}`, { ifVersion }))
      )
      const winners = outcomes.flatMap(({ status }, i) => (status === 'fulfilled' ? [i] : []))
      t.equal(winners.length, 1)
      t.equal(await readText(where), `racer ${winners[0]}`)
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') t.match(outcome.reason, { reason: 'conflict' })
      }
    })
  }
}
