/**
 * Counts the tests in TAP. What counts is a test that has no tests within it: a sentence of behaviour, not an assertion
 * and not the file or group around it. A group or file that fails by itself (it did not load, an assertion outside of
 * its tests) counts as one failure, so that no failure goes uncounted.
 */
import { Parser } from 'tap-parser'

export interface Tally {
  readonly passed: number
  readonly failed: number
  /** The reason of each test that was skipped; empty for one that gave none. */
  readonly skips: readonly string[]
  /** The names that lead to each test that failed, from its file on. */
  readonly failures: readonly string[]
}

interface Count {
  passed: number
  failed: number
  assertions: number
  isGroup: boolean
  readonly skips: string[]
  readonly failures: string[]
}

/** Counts while the parser reads: complete once it has come to its end. */
const countIn = (parser: Parser): Count => {
  const count: Count = {
    passed: 0,
    failed: 0,
    assertions: 0,
    isGroup: false,
    skips: [],
    failures: []
  }
  let within: Count | undefined

  parser.on('child', (child) => {
    count.isGroup = true
    within = countIn(child)
  })

  // A test's own line comes after what stands within it; a test that was skipped as a whole has nothing within.
  parser.on('assert', ({ ok, skip, todo, name }) => {
    if (skip) {
      count.skips.push(typeof skip === 'string' ? skip : '')
    } else if (within === undefined) {
      count.assertions += 1
    } else {
      const { passed, failed, assertions, isGroup, skips } = within
      const isTest = !isGroup && (assertions > 0 || skips.length === 0)
      count.passed += isTest && ok ? 1 : passed
      const failsByItself = failed === 0 && !ok && !todo
      count.failed += failsByItself ? 1 : failed
      const names = failsByItself ? [''] : within.failures
      count.failures.push(...names.map((inner) => (inner === '' ? name : `${name} > ${inner}`)))
      count.skips.push(...skips)
    }
    within = undefined
  })
  return count
}

export const tallyOf = (tap: string): Tally => {
  const parser = new Parser()
  const count = countIn(parser)
  parser.end(tap)
  const { passed, failed, skips, failures } = count
  return { passed, failed, skips, failures }
}
