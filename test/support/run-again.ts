/**
 * A second try for few failures of a whole run. Rule: it is run alone, it is told, and it never makes good what fails twice. A
 * file that passes then depends on how busy the machine is: a fault of the test or a race of the service, to be looked into,
 * but no reason to throw away a run of half an hour.
 */
import type { FileResult } from './run-file.ts'

/** More of them are no accident. */
const AGAIN_MAX = 2

export interface RunAgain {
  /** As before, with the second result for those that passed now. */
  readonly results: readonly FileResult[]
  /** What failed first and then passed, with what had failed. */
  readonly unsteady: readonly FileResult[]
}

/** @param run one file, with nothing beside it */
export const runAgain = async (
  results: readonly FileResult[],
  run: (file: string) => Promise<FileResult>
): Promise<RunAgain> => {
  const failed = results.filter((result) => result.failed > 0)
  if (failed.length > AGAIN_MAX) return { results, unsteady: [] }
  const better = new Map<FileResult, FileResult>()
  for (const result of failed) {
    const second = await run(result.file)
    if (second.failed === 0) better.set(result, second)
  }
  return {
    results: results.map((result) => better.get(result) ?? result),
    unsteady: [...better.keys()]
  }
}
