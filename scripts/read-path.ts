/**
 * What of `src` one cached read goes through: files, functions and calls, as V8's precise coverage counts them between
 * the request and its answer. With `--list`, each file with its functions.
 *
 * `node build/scripts/read-path.js [--list]`
 */
import { Session } from 'node:inspector/promises'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startPurser, URL_PATH } from './bench/service.ts'

const SRC = fileURLToPath(new URL('../src', import.meta.url))
/** How many requests until all that first requests make is there. */
const WARM = 5

const { origin, keys } = await startPurser()
const read = async (): Promise<string | null> => {
  const answer = await fetch(origin + URL_PATH, { headers: { ...keys[0] } })
  await answer.text()
  return answer.headers.get('x-cache')
}
for (let n = 0; n < WARM; n++) await read()

const session = new Session()
session.connect()
await session.post('Profiler.enable')
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
// Calls from before the start are reported once, and do not belong to this read.
await session.post('Profiler.takePreciseCoverage')
const cache = await read()
const { result } = await session.post('Profiler.takePreciseCoverage')

const called = result
  .filter(({ url }) => url.startsWith('file:') && fileURLToPath(url).startsWith(SRC))
  .map(({ url, functions }) => ({
    file: relative(SRC, fileURLToPath(url)).replace(/\.js$/, '.ts'),
    functions: functions
      .map(({ functionName, ranges }) => ({ name: functionName, calls: ranges[0]?.count ?? 0 }))
      .filter(({ calls }) => calls > 0)
  }))
  .filter(({ functions }) => functions.length > 0)
  .sort((a, b) => a.file.localeCompare(b.file))
const functions = called.flatMap((one) => one.functions)
const calls = functions.reduce((sum, one) => sum + one.calls, 0)
if (process.argv.includes('--list')) {
  for (const one of called) {
    const names = one.functions.map(({ name }) => name || '(without a name)').join(', ')
    console.log(`${one.file}: ${names}`)
  }
}
console.log(`${cache}: ${called.length} files, ${functions.length} functions, ${calls} calls`)
process.kill(process.pid, 'SIGTERM')
