/**
 * How `purser run` ends. Rule: with the code of the program, or 128 and the number of the signal that ended it; where the
 * program was never there, with a code that programs seldom use, as env(1), timeout(1) and `docker run` do.
 */
import { constants } from 'node:os'

/** The secrets could not be had, or `run` itself failed. */
export const NOT_STARTED = 125
/** The program is there and cannot be started. */
export const NOT_EXECUTABLE = 126
export const NOT_FOUND = 127

export class RunFailure extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode = NOT_STARTED) {
    super(message)
    this.name = 'RunFailure'
    this.exitCode = exitCode
  }
}

export const codeOfSignal = (signal: NodeJS.Signals): number => 128 + constants.signals[signal]

export const codeOf = (code: number | null, signal: NodeJS.Signals | null): number =>
  signal === null ? (code ?? NOT_STARTED) : codeOfSignal(signal)

/** Why a program did not come about; the words of the system name nothing that is secret. */
export const spawnFailure = (command: string, error: unknown): RunFailure => {
  const { code = '' } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') return new RunFailure(`${command}: is not there.`, NOT_FOUND)
  if (code === 'E2BIG') {
    return new RunFailure('The variables are too long together: use files.', NOT_EXECUTABLE)
  }
  return new RunFailure(`${command}: cannot be started (${code}).`, NOT_EXECUTABLE)
}
