/** What a store that can list owes, proved on a real one: everything below a prefix, nothing else, page by page. */
import type { Test } from 'tap'
import type { SecretProvider } from '../../src/kinds/provider.ts'
import { faultOf, type RealStore, type Subject, within, wrapped } from './subject.ts'

/** More than any case here could need: a listing that goes round in circles fails instead of hanging. */
const MOST_PAGES = 500

type List = NonNullable<SecretProvider['list']>

const listPages = async (list: List, prefix: string, limit: number): Promise<string[][]> => {
  const pages: string[][] = []
  let cursor: string | undefined
  do {
    const page = { limit, ...(cursor !== undefined && { cursor }) }
    const listing = await list(prefix, page, within())
    pages.push([...listing.paths])
    cursor = listing.cursor
  } while (cursor !== undefined && pages.length < MOST_PAGES)
  if (cursor !== undefined) throw new Error('the listing has no end')
  return pages
}

const sorted = (paths: readonly string[]): string[] => [...paths].sort()

export const listCases = (suite: Test, subject: Subject, store: RealStore): void => {
  const { path, powers: { list: power } = {} } = subject
  const { provider, seed, remove } = store
  const { list } = provider
  if (power === undefined || list === undefined) return
  const { prefix: prefixOf, forgedCursor, showsDeleted } = power

  /** Names are flat: a page is one of the whole store, in which other cases have secrets as well. */
  const isFlat = prefixOf('listed/few') === ''
  const few = ['listed/few/a', 'listed/few/b', 'listed/few/c', 'listed/few/d', 'listed/few/e'].map(
    path
  )
  // Named so that a prefix which is cut short, caseless or read as a word would take them in.
  const alike = ['listed/few', 'listed/fewer/a', 'listed/few-a', 'LISTED/FEW/a', 'few/a']
    .map(path)
    .filter((where) => !few.includes(where))
  const ofFew = (paths: readonly string[]) =>
    isFlat ? paths.filter((where) => few.includes(where)) : paths
  const seedAll = async () => {
    for (const where of [...few, ...alike]) await seed(where, wrapped(subject, 'listed'))
  }
  const seeded = seedAll()

  if (isFlat) {
    suite.test('nothing stands below a prefix, since names are flat', async (t) => {
      await seeded
      for (const prefix of ['listed/', 'listed/few/', `${path('listed/few')}/`]) {
        t.strictSame((await listPages(list, prefix, 100)).flat(), [], prefix)
      }
    })
  } else {
    suite.test('what stands below a prefix is listed, and nothing that begins alike', async (t) => {
      await seeded
      const pages = await listPages(list, prefixOf('listed/few'), 100)
      t.strictSame(sorted(pages.flat()), sorted(few))
    })

    suite.test('a prefix below which nothing stands gives nothing', async (t) => {
      await seeded
      for (const name of ['listed/none', 'listed/few/a', 'listed/fe', 'listed/żółw', 'listed/*']) {
        t.strictSame((await listPages(list, prefixOf(name), 100)).flat(), [], name)
      }
    })
  }

  suite.test('pages of two are never longer, and give everything once', async (t) => {
    await seeded
    const pages = await listPages(list, prefixOf('listed/few'), 2)
    t.ok(pages.every((page) => page.length <= 2))
    t.ok(pages.length >= 3)
    t.strictSame(sorted(ofFew(pages.flat())), sorted(few))
  })

  suite.test('the order is the same each time and for each size of page', async (t) => {
    await seeded
    const prefix = prefixOf('listed/few')
    const [first, again, paged] = [
      await listPages(list, prefix, 100),
      await listPages(list, prefix, 100),
      await listPages(list, prefix, 2)
    ]
    t.strictSame(again, first)
    t.strictSame(paged.flat(), first.flat())
  })

  suite.test('the empty prefix lists the whole store', async (t) => {
    await seeded
    const listed = new Set((await listPages(list, '', 100)).flat())
    t.strictSame(
      [...few, ...alike].filter((where) => !listed.has(where)),
      []
    )
  })

  suite.test('what is listed can be read', async (t) => {
    await seeded
    for (const where of ofFew((await listPages(list, prefixOf('listed/few'), 100)).flat())) {
      await t.resolves(provider.read({ path: where }, within()))
    }
  })

  if (remove !== undefined) {
    suite.test('a deleted secret is not listed, unless this kind says so', async (t) => {
      const [kept, gone] = [path('listed/deleted/kept'), path('listed/deleted/gone')]
      for (const where of [kept, gone]) await seed(where, wrapped(subject, 'listed'))
      await remove(gone)
      const listed = (await listPages(list, prefixOf('listed/deleted'), 100)).flat()
      const ofThem = listed.filter((where) => !isFlat || where === kept || where === gone)
      t.strictSame(sorted(ofThem), showsDeleted ? [gone, kept] : [kept])
    })
  }

  if (forgedCursor !== undefined) {
    suite.test('a cursor that no listing gave is an invalid request', async (t) => {
      const page = { limit: 2, cursor: forgedCursor }
      const fault = await faultOf(list(prefixOf('listed/few'), page, within()))
      t.equal(fault.reason, 'invalid_request')
    })
  }
}
