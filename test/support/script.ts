/** A script of the repository as a process, without what the test's own process was started with. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

/** Resolves when it has ended, with all that it wrote. `script`: below `scripts/`, as compiled. */
export const runScript = async (
  t: Test,
  script: string,
  args: readonly string[]
): Promise<{ readonly code: number | null; readonly text: string }> => {
  const file = fileURLToPath(new URL(`../../scripts/${script}`, import.meta.url))
  const child = spawn('env', ['-u', 'NODE_OPTIONS', process.execPath, file, ...args])
  t.teardown(() => child.kill())
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
  }
  const [code] = await once(child, 'close')
  return { code, text }
}
