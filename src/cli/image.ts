/**
 * The command line of the container image, which is also the generator of keys that it stands in for: `docker run <image>
 * -a kernel -m rw` issues a key. Rule: what the program itself understands before a command stays its own.
 */
import { pathToFileURL } from 'node:url'

const OF_PROGRAM = /^(-h|--help|-V|--version)$/

/** How many of the arguments name a file of settings, which may stand before all else. */
const lengthOfEnvFile = (first: string): number => {
  if (first === '--env-file') return 2
  return first.startsWith('--env-file=') ? 1 : 0
}

/** The arguments as `purser` takes them. */
export const argumentsOf = (given: readonly string[]): readonly string[] => {
  const [first = ''] = given
  const skipped = lengthOfEnvFile(first)
  if (skipped > 0) return [...given.slice(0, skipped), ...argumentsOf(given.slice(skipped))]
  const isFlag = first.startsWith('-') && !OF_PROGRAM.test(first)
  return isFlag ? ['key', 'issue', ...given] : given
}

const [node = '', script = '', ...given] = process.argv
if (import.meta.url === pathToFileURL(script).href) {
  process.argv = [node, script, ...argumentsOf(given)]
  await import('./purser.ts')
}
