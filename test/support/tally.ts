/**
 * Counts the tests in TAP. What counts is a test that has no tests within it: a sentence of behaviour, not an assertion
 * and not the file or group around it. A group or file that fails by itself (it did not load, an assertion outside of
 * its tests) counts as one failure, so that no failure goes uncounted.
 */
import { Parser, type Result } from 'tap-parser'

export interface Failure {
  /** The names that lead to the test that failed, from its file on. */
  readonly test: string
  /** What did not hold in it, where that was an assertion: its name, its place and how what was found differs. */
  readonly reasons: readonly string[]
}

export interface Tally {
  readonly passed: number
  readonly failed: number
  /** The reason of each test that was skipped; empty for one that gave none. */
  readonly skips: readonly string[]
  readonly failures: readonly Failure[]
}

interface Count {
  passed: number
  failed: number
  assertions: number
  isGroup: boolean
  readonly skips: string[]
  readonly failures: Failure[]
  /** Of the assertions that failed here, not in a test within. */
  readonly reasons: string[]
}

/** tap writes as YAML below an assertion where it stands and a diff; any other producer may leave both out. */
const reasonOf = ({ name, fullname, diag }: Result): string => {
  const { at, diff } = (diag ?? {}) as {
    at?: { fileName?: string; lineNumber?: number }
    diff?: string
  }
  const place = at?.fileName === undefined ? '' : ` (${at.fileName}:${at.lineNumber})`
  return `${name || fullname}${place}${diff === undefined ? '' : `\n${diff.trimEnd()}`}`
}

/** Counts while the parser reads: complete once it has come to its end. */
const countIn = (parser: Parser): Count => {
  const count: Count = {
    passed: 0,
    failed: 0,
    assertions: 0,
    isGroup: false,
    skips: [],
    failures: [],
    reasons: []
  }
  let within: Count | undefined

  parser.on('child', (child) => {
    count.isGroup = true
    within = countIn(child)
  })

  // A test's own line comes after what stands within it; a test that was skipped as a whole has nothing within.
  parser.on('assert', (result) => {
    const { ok, skip, todo, name } = result
    // One that tested something and then skipped the rest is `not ok`, and no skip.
    if (skip && ok) {
      count.skips.push(typeof skip === 'string' ? skip : '')
    } else if (within === undefined) {
      count.assertions += 1
      if (!ok && !todo) count.reasons.push(reasonOf(result))
    } else {
      const { passed, failed, assertions, isGroup, skips } = within
      const isTest = !isGroup && (assertions > 0 || skips.length === 0)
      count.passed += isTest && ok ? 1 : passed
      const failsByItself = failed === 0 && !ok && !todo
      count.failed += failsByItself ? 1 : failed
      if (failsByItself) count.failures.push({ test: name, reasons: within.reasons })
      else
        count.failures.push(
          ...within.failures.map(({ test, reasons }) => ({ test: `${name} > ${test}`, reasons }))
        )
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
