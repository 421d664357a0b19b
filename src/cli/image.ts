/**
 * The command line of the container image, which is also the generator of keys that it stands in for: `docker run <image>
 * -a kernel -m rw` issues a key. Rule: what the program itself understands before a command stays its own.
 */
import { pathToFileURL } from 'node:url'

const OF_PROGRAM = /^(-h|--help|-V|--version|--env-file(=.*)?)$/

/** The arguments as `purser` takes them. */
export const argumentsOf = ([first = '', ...others]: readonly string[]): readonly string[] => {
  const isFlag = first.startsWith('-') && !OF_PROGRAM.test(first)
  return isFlag ? ['key', 'issue', first, ...others] : [first, ...others]
}

const [node = '', script = '', ...given] = process.argv
if (import.meta.url === pathToFileURL(script).href) {
  process.argv = [node, script, ...argumentsOf(given)]
  await import('./purser.ts')
}
