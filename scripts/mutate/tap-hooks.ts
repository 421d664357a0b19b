/**
 * How files of tests are loaded. `tap` is a collector of their tests: the test runner says when each runs. And there may be
 * several copies of the program: whoever belongs to one imports all that is ours from the same one.
 */
const COLLECTOR = 'purser-collect:tap'

/** A file of tests, or what makes the tests of one that have a Redis. */
const TESTING = /\.test\.js|\/support\/redis-test\.js/

interface Context {
  readonly parentURL?: string
}

/** Which copy of the program the importing file belongs to. */
const COPY = /[?&](copy=\d+)/

export const resolve = async (
  specifier: string,
  context: Context,
  next: (specifier: string, context: Context) => Promise<{ readonly url: string }>
): Promise<{ readonly url: string; readonly shortCircuit?: boolean }> => {
  const { parentURL = '' } = context
  if (specifier === 'tap' && TESTING.test(parentURL)) {
    return { url: COLLECTOR, shortCircuit: true }
  }
  const resolved = await next(specifier, context)
  const copy = COPY.exec(parentURL)?.[1]
  const isOurs = resolved.url.startsWith('file:') && !resolved.url.includes('/node_modules/')
  return copy !== undefined && isOurs ? { ...resolved, url: `${resolved.url}?${copy}` } : resolved
}

interface Loaded {
  readonly format: string
  readonly source?: string | Uint8Array
  readonly shortCircuit?: boolean
}

/** What counts the mutants that are reached. Only the first copy needs it, and it takes most of the time of a loop. */
const COUNTING = /stryCov_\w+\((?:"\d+"(?:, )?)+\)/g

/** Asked at each place where there is a mutant, and so in each round of a loop. */
const ASKING = 'function isActive(id) {'
/** Another mutant may be the reason for a loop without an end than those that stand in the loop. */
const BOUNDED = `${ASKING} if (++ns.asked > ns.askedMax) throw new Error('it goes round for ever');`

export const load = async (
  url: string,
  context: Context,
  next: (url: string, context: Context) => Promise<Loaded>
): Promise<Loaded> => {
  if (url === COLLECTOR) {
    const source = 'export const test = (...asked) => globalThis.purserCollect(...asked)\n'
    return { format: 'module', shortCircuit: true, source }
  }
  const loaded = await next(url, context)
  if (!COPY.test(url) || loaded.source === undefined) return loaded
  const source = Buffer.from(loaded.source as string).toString()
  return { ...loaded, source: source.replace(COUNTING, '0').replace(ASKING, BOUNDED) }
}
