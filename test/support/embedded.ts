/** An embedded state in a directory of its own, which ends with its test. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { createEmbeddedState } from '../../src/state/embedded.ts'
import type { State } from '../../src/state/state.ts'

export const createDirectory = (t: Pick<Test, 'teardown'>): string => {
  const directory = mkdtempSync(join(tmpdir(), 'purser-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Not for the folder of a service in this process, whose state is `app.state` (see `createEmbeddedState`). */
export const openState = (t: Test, directory = createDirectory(t)): State => {
  const state = createEmbeddedState(directory)
  t.teardown(() => state.close())
  return state
}
