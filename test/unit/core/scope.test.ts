import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'tap'
import type { Mode } from '../../../src/core/principal.ts'
import { covers, hasScope, isScope, modeAllows } from '../../../src/core/scope.ts'
import { readVectors, type Vector } from '../../support/vectors.ts'

const vectors = readVectors<{
  covers: Vector<{ granted: string; needed: string }, boolean>[]
  scopes: Vector<string, boolean>[]
  modes: Vector<{ mode: Mode; method: string }, boolean>[]
}>('scopes')

test('a text is a scope or not as its vector says', async (t) => {
  for (const { name, input, expect } of vectors.scopes) t.equal(isScope(input), expect, name)
})

test('a scope covers another or not as its vector says', async (t) => {
  for (const { name, input, expect } of vectors.covers) {
    t.equal(covers(input.granted, input.needed), expect, name)
    t.equal(hasScope(['unrelated', input.granted], input.needed), expect, `${name}, in a list`)
  }
})

test('a mode allows a method or not as its vector says', async (t) => {
  for (const { name, input, expect } of vectors.modes) {
    t.equal(modeAllows(input.mode, input.method), expect, name)
  }
})

test('no scope grants nothing', async (t) => {
  t.equal(hasScope([], 'aura-services'), false)
})

// Few and similar segments, so that beginnings alike are common.
const segments = fc.array(fc.constantFrom('a', 'ab', 'a-b', 'a.b', 'b'), {
  minLength: 1,
  maxLength: 4
})

test('a scope covers exactly the scopes that begin with all of its segments', async (t) => {
  fc.assert(
    fc.property(segments, segments, (granted, needed) => {
      const expected = granted.every((segment, index) => needed[index] === segment)
      assert.equal(covers(granted.join(':'), needed.join(':')), expected)
    }),
    { numRuns: 500 }
  )
  t.pass('for all that was tried')
})
