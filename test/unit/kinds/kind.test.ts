/** A kind of store that lacks something is no program: these lines compile only while each of them is refused. */
import { test } from 'tap'
import { catalog } from '../../../src/kinds/catalog.ts'
import { examples } from '../../../src/kinds/examples.ts'
import { defineKind } from '../../../src/kinds/kind.ts'
import { local } from '../../../src/kinds/local/index.ts'
import { createReferenceBook, RESERVED_STORE_NAMES } from '../../../src/kinds/references.ts'

test('a kind of store cannot leave out what every kind has', async (t) => {
  const { settings, quota, address, paths, versions, forms, connect, ...rest } = local
  const whole = { ...rest, settings, quota, address, paths, versions, forms, connect }
  t.equal(defineKind(whole), whole)
  // @ts-expect-error without settings
  defineKind({ ...rest, quota, address, paths, versions, forms, connect })
  // @ts-expect-error without a quota, if only undefined
  defineKind({ ...rest, settings, address, paths, versions, forms, connect })
  // @ts-expect-error without an address
  defineKind({ ...rest, settings, quota, paths, versions, forms, connect })
  // @ts-expect-error without an alphabet of paths
  defineKind({ ...rest, settings, quota, address, versions, forms, connect })
  // @ts-expect-error without an alphabet of versions
  defineKind({ ...rest, settings, quota, address, paths, forms, connect })
  // @ts-expect-error without written forms, if only none
  defineKind({ ...rest, settings, quota, address, paths, versions, connect })
  // @ts-expect-error without a client
  defineKind({ ...rest, settings, quota, address, paths, versions, forms })
})

test('each kind of the catalog has an example, and each example a kind', async (t) => {
  t.same(Object.keys(examples).sort(), catalog.map(({ kind }) => kind).sort())
})

test('of written forms that begin alike, one at the most takes what the others leave', async (t) => {
  const forms = catalog.flatMap((kind) => kind.forms)
  const starts = new Set(forms.flatMap(({ begins }) => begins))
  for (const start of starts) {
    const general = forms.filter(({ begins, fits }) => begins.includes(start) && !fits)
    t.equal(general.length, 1, start)
  }
})

test('a word before the first sign of a written form is no name of a store', async (t) => {
  const forms = createReferenceBook([], new Map()).grammar
  t.equal(forms.isStoreName('arn'), false)
  t.ok(RESERVED_STORE_NAMES.has('ref') && RESERVED_STORE_NAMES.has('secretref'))
  t.notOk(RESERVED_STORE_NAMES.has('local'))
})
