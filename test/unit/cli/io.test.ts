// What a command takes in has an end.
import { test } from 'tap'
import { CommandFailure } from '../../../src/cli/failure.ts'
import { readInput } from '../../../src/cli/io.ts'

test('an input without an end is refused, and one that cannot be read', async (t) => {
  const refusals = [
    ['/dev/zero', 'The input is longer than 1 MiB.'],
    ['/no/such/file', 'The input is not there.'],
    ['/', 'The input cannot be read.']
  ] as const
  for (const [file, message] of refusals) {
    const error = await readInput('a key', file).catch((thrown) => thrown)
    t.ok(error instanceof CommandFailure, file)
    t.equal(error.message, message)
  }
})
