import { test } from 'tap'
import { ProblemError } from '../../../src/core/problem.ts'
import { parseReference, type Qualifiers, type Reference } from '../../../src/core/reference.ts'
import type { NamedStore } from '../../../src/core/store-address.ts'
import { createReferenceBook } from '../../../src/kinds/references.ts'
import { readVectors, type Vector } from '../../support/vectors.ts'

/** The reference; `nowhere` if no configured store is meant; or as what it is refused. */
type Expect = Reference | 'nowhere' | { readonly refused: string }

const { stores, names, vectors } = readVectors<{
  stores: NamedStore[]
  names: Record<string, string>
  vectors: Vector<Qualifiers & { readonly ref: string }, Expect>[]
}>('references')

const book = createReferenceBook(stores, new Map(Object.entries(names)))

const outcome = ({ ref, ...beside }: Qualifiers & { readonly ref: string }): Expect => {
  try {
    return parseReference(ref, book, beside) ?? 'nowhere'
  } catch (error) {
    if (!(error instanceof ProblemError) || error.code !== 'invalid_reference') throw error
    return { refused: /^The reference was read as ([^:]+): ./.exec(error.message)?.[1] ?? '' }
  }
}

test('a reference is read as its vector says', async (t) => {
  for (const { name, input, expect } of vectors) t.strictSame(outcome(input), expect, name)
})
