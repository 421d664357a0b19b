/** What the fuzz run has found, and a short run of it: the same inputs each time. `npm run fuzz` goes on for as long as one likes. */
import { readdirSync } from 'node:fs'
import { test } from 'tap'
import { corpusOf, isTaken } from '../support/fuzz/corpus.ts'
import { fuzz, tried } from '../support/fuzz/run.ts'
import { Misread, TAKEN } from '../support/fuzz/subject.ts'
import { fuzzSubjects } from '../support/fuzz/subjects.ts'

const EXECUTIONS = 1_500

for (const subject of fuzzSubjects) {
  test(`every ${subject.name} of the corpus is taken or refused as it was, in its parser's one way`, async (t) => {
    const entries = corpusOf(subject.name)
    t.ok(entries.length > 10 && entries.some(({ taken }) => taken), 'the corpus has both')
    for (const { input, taken } of entries) {
      const result = await tried(subject, input)
      const name = JSON.stringify(input.slice(0, 60))
      if ('found' in result) t.fail(`${name}: ${result.found}`)
      else t.equal(isTaken(result.outcome), taken, name)
    }
  })

  test(`a short run of made-up inputs finds nothing that the parser of ${subject.name} does wrong`, async (t) => {
    const { executions, findings } = await fuzz(subject, 20_261_201, (n) => n < EXECUTIONS)
    t.strictSame(findings, [])
    t.ok(executions >= EXECUTIONS)
  })
}

test('every file of the corpus belongs to a parser', async (t) => {
  const names = readdirSync('test/corpus').map((file) => file.replace('.jsonl', ''))
  t.strictSame(names.sort(), fuzzSubjects.map(({ name }) => name).sort())
})

test('a parser that throws another error, or takes what it must not, is a finding', async (t) => {
  const [known] = fuzzSubjects
  const subjectThat = (outcome: (input: string) => string) => ({
    name: known!.name,
    words: ['a'],
    outcome
  })
  const once = (n: number): boolean => n < 1_000
  const throwing = subjectThat((input) => {
    if (input.includes('a')) throw new TypeError('no such member')
    return TAKEN
  })
  t.match((await fuzz(throwing, 1, once)).findings, [{ found: 'TypeError: no such member' }])
  const misreading = subjectThat((input) => {
    if (input.length > 20) throw new Misread('too long')
    return 'refused'
  })
  t.match((await fuzz(misreading, 1, once)).findings, [{ found: 'Misread: too long' }])
})

test('one seed makes the same run', async (t) => {
  const seen: string[][] = [[], []]
  for (const inputs of seen) {
    const outcome = (input: string): string => {
      inputs.push(input)
      return `${input.length % 7}`
    }
    await fuzz({ name: 'reference', words: ['a', '/'], outcome }, 7, (n) => n < 1_000)
  }
  t.ok((seen[0]?.length ?? 0) > 1_000)
  t.strictSame(seen[0], seen[1])
})
