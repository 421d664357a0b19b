import { test } from 'tap'
import { runAgain } from '../../support/run-again.ts'
import type { FileResult } from '../../support/run-file.ts'

const result = (file: string, failed: number): FileResult => ({
  file,
  passed: 3,
  failed,
  skips: [],
  failures: [],
  seconds: 1,
  stderr: ''
})

test('what passes alone is told as unsteady, what fails twice stays a failure', async (t) => {
  const first = [result('a', 0), result('b', 1), result('c', 2)]
  const asked: string[] = []
  const again = await runAgain(first, async (file) => {
    asked.push(file)
    return result(file, file === 'c' ? 2 : 0)
  })
  t.strictSame(asked, ['b', 'c'])
  t.strictSame(
    again.results.map(({ failed }) => failed),
    [0, 0, 2]
  )
  t.strictSame(again.unsteady, [first[1]])
})

test('many failures are no accident: none is run again', async (t) => {
  const first = ['a', 'b', 'c'].map((file) => result(file, 1))
  const again = await runAgain(first, async () => t.fail('it was run again') as never)
  t.equal(again.results, first)
  t.strictSame(again.unsteady, [])
})
