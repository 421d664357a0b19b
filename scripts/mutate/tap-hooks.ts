/** Resolves `tap`, where a file of tests asks for it, to a collector of its tests: the test runner says when each runs. */
const COLLECTOR = 'purser-collect:tap'

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
  if (specifier === 'tap' && parentURL.includes('.test.js')) {
    return { url: COLLECTOR, shortCircuit: true }
  }
  const resolved = await next(specifier, context)
  const copy = COPY.exec(parentURL)?.[1]
  const isOurs = resolved.url.startsWith('file:') && !resolved.url.includes('/node_modules/')
  return copy !== undefined && isOurs ? { ...resolved, url: `${resolved.url}?${copy}` } : resolved
}

export const load = (
  url: string,
  context: Context,
  next: (url: string, context: Context) => unknown
): unknown =>
  url === COLLECTOR
    ? {
        format: 'module',
        shortCircuit: true,
        source: 'export const test = (...asked) => globalThis.purserCollect(...asked)\n'
      }
    : next(url, context)
