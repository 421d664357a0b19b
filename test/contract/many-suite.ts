/** What a store owes that can read many secrets at once, or tell their tags, proved on a real one. */
import type { Test } from 'tap'
import { ProviderFault } from '../../src/core/fault.ts'
import type { Locator, SecretRecord } from '../../src/core/secret.ts'
import { faultOf, type RealStore, type Subject, unwrapped, within, wrapped } from './subject.ts'

/** More than any store here takes in one call. */
const MANY = 45

export const readManyCases = (suite: Test, subject: Subject, store: RealStore): void => {
  const { path, powers } = subject
  const { provider, seed, remove } = store
  const { readMany } = provider
  if (powers?.readMany === undefined || readMany === undefined) return

  const seedAs = (name: string) => seed(path(name), wrapped(subject, `of ${name}`))
  /** Of each name its text, or the reason why there is none. */
  const readAll = async (names: readonly string[]): Promise<unknown[]> => {
    const answers = await readMany(
      names.map((name) => ({ path: path(name) })),
      within()
    )
    return answers.map((answer) =>
      answer instanceof ProviderFault ? answer.reason : unwrapped(subject, answer)
    )
  }

  suite.test('many are read in the order in which they are asked for', async (t) => {
    const names = Array.from({ length: MANY }, (_, i) => `many/n${i}`)
    for (const name of names) await seedAs(name)
    const backwards = [...names].reverse()
    t.strictSame(
      await readAll(backwards),
      backwards.map((name) => `of ${name}`)
    )
  })

  suite.test('one that is missing or deleted fails alone', async (t) => {
    for (const name of ['many/here', 'many/gone', 'many/here-too']) await seedAs(name)
    await remove?.(path('many/gone'))
    t.strictSame(await readAll(['many/here', 'many/never', 'many/gone', 'many/here-too']), [
      'of many/here',
      'not_found',
      remove === undefined ? 'of many/gone' : 'not_found',
      'of many/here-too'
    ])
  })

  suite.test('one that is asked for twice is answered twice', async (t) => {
    for (const name of ['many/once', 'many/twice']) await seedAs(name)
    t.strictSame(await readAll(['many/twice', 'many/once', 'many/never', 'many/twice']), [
      'of many/twice',
      'of many/once',
      'not_found',
      'of many/twice'
    ])
  })

  suite.test(
    'names with special characters, and ones that begin alike, are told apart',
    async (t) => {
      const names = [...subject.specialNames, 'many/alike', 'many/alike/a', 'many/alike-AbCdEf']
      for (const name of names) await seedAs(name)
      t.strictSame(
        await readAll(names),
        names.map((name) => `of ${name}`)
      )
    }
  )

  suite.test('what is read among many is what is read alone', async (t) => {
    const locator: Locator = { path: path('many/same') }
    await seedAs('many/same')
    await seedAs('many/other')
    const other = { path: path('many/other') }
    const [together] = (await readMany([locator, other], within())) as readonly SecretRecord[]
    const alone = await provider.read(locator, within())
    t.equal(together?.version, alone.version)
    t.equal(together?.text.reveal(), alone.text.reveal())
  })

  suite.test('none asked for is none answered', async (t) => {
    t.strictSame(await readAll([]), [])
  })
}

export const tagCases = (suite: Test, subject: Subject, store: RealStore): void => {
  const { path } = subject
  const { provider, seed, tag } = store
  if (tag === undefined) return

  const tagsOf = async (locator: Locator) =>
    provider.readTags === undefined
      ? (await provider.read(locator, within())).tags
      : provider.readTags(locator, within())

  suite.test('the tags of a secret are told as they are', async (t) => {
    const where = path('tagged/two')
    await seed(where, wrapped(subject, 'tagged'))
    await tag(where, { 'purser-read': 'true', team: 'voice' })
    const tags = await tagsOf({ path: where })
    t.equal(tags?.get('purser-read'), 'true')
    t.equal(tags?.get('team'), 'voice')
    t.equal(tags?.get('constructor'), undefined)
  })

  suite.test('tags stay with the secret when it gets a new version', async (t) => {
    const where = path('tagged/again')
    await seed(where, wrapped(subject, 'first'))
    await tag(where, { 'purser-read': 'true' })
    await seed(where, wrapped(subject, 'second'))
    t.equal((await tagsOf({ path: where }))?.get('purser-read'), 'true')
  })

  suite.test('a tag that is changed is told anew', async (t) => {
    const where = path('tagged/changed')
    await seed(where, wrapped(subject, 'tagged'))
    await tag(where, { 'purser-read': 'true' })
    await tagsOf({ path: where })
    await tag(where, { 'purser-read': 'false' })
    t.equal((await tagsOf({ path: where }))?.get('purser-read'), 'false')
  })

  suite.test('a secret without tags has none, which is not the same as not knowing', async (t) => {
    const where = path('tagged/never')
    await seed(where, wrapped(subject, 'untagged'))
    t.equal((await tagsOf({ path: where }))?.size, 0)
  })

  suite.test('of a secret that was never stored no tags are told', async (t) => {
    const fault = await faultOf(tagsOf({ path: path('tagged/nowhere') }))
    t.equal(fault.reason, 'not_found')
  })
}
