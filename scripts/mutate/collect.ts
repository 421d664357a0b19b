/**
 * Runs files of tests again and again in one process, which is what makes thousands of mutants a matter of minutes: a file is
 * imported anew for each mutant, what it tests stays loaded. Rule: each test is tap's own `Test`, run as its file would run it.
 */
import { register } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'

export interface Collected {
  readonly name: string
  readonly options: Readonly<Record<string, unknown>>
  readonly run: (t: unknown) => unknown
}

interface TapTest {
  readonly runMain: (done: () => void) => void
  readonly passing: () => boolean
  readonly resume: () => void
  readonly lists: {
    readonly fail: readonly { readonly fullname?: string; readonly name?: string }[]
  }
}
type TestClass = new (options: object) => TapTest

export interface Outcome {
  readonly passed: boolean
  readonly failure: string
}

/** What is measured here is mostly the counting of mutants. */
const MEASURES_TIME =
  / in little time$| takes little time$| takes about as long | that stood still /

/** Some tests call `test(name, fn)`, some `test(name, options, fn)`. */
const collectedOf = (asked: readonly unknown[]): Collected => {
  const [name, options] = asked
  const run = asked.at(-1) as Collected['run']
  return { name: String(name), options: typeof options === 'object' ? { ...options } : {}, run }
}

export const createCollector = async () => {
  register('./tap-hooks.js', import.meta.url)
  // Its root is for a process that is one file of tests: it would limit the time of this one, and tell its parent.
  const { send } = process
  delete process.send
  process.env['TAP_TIMEOUT'] = '0'
  const { Test } = (await import('tap')) as unknown as { readonly Test: TestClass }
  Object.assign(process, { send })
  // The same cases for each mutant, and the first that fails is enough.
  fc.configureGlobal({ seed: 1, endOnFailure: true })

  let collecting: Collected[] = []
  Object.assign(globalThis, {
    purserCollect: (...asked: unknown[]) => {
      if (!MEASURES_TIME.test(String(asked[0]))) collecting.push(collectedOf(asked))
    }
  })
  let stray = (_: string): void => undefined
  for (const event of ['unhandledRejection', 'uncaughtException']) {
    process.on(event, (error: unknown) => stray(String(error)))
  }
  let times = 0

  let copy = ''
  let kept: string | undefined
  const newCopy = (): string => {
    times += 1
    return `&copy=${times}`
  }
  /** From now on files are loaded with a copy of the program of their own. */
  const renew = (): void => {
    copy = newCopy()
  }
  /** From now on files are loaded with the copy in which no mutant was on while it was loaded. */
  const reuse = (): void => {
    kept ??= newCopy()
    copy = kept
  }

  /** Loads the file anew. */
  const collect = async (file: string): Promise<readonly Collected[]> => {
    const found: Collected[] = []
    collecting = found
    times += 1
    await import(`${pathToFileURL(resolve(file)).href}?time=${times}${copy}`)
    return found
  }

  const loaded = new Set<string>()
  /** Loads what the files test. */
  const preload = async (files: readonly string[]): Promise<void> => {
    for (const file of files) {
      if (loaded.has(file)) continue
      loaded.add(file)
      await collect(file)
    }
  }

  const run = async ({ name, options, run: cb }: Collected): Promise<Outcome> => {
    if (options['skip'] || options['todo']) return { passed: true, failure: '' }
    const one = new Test({ ...options, name, cb, buffered: false })
    one.resume()
    const ended = new Promise<undefined>((done) => one.runMain(() => done(undefined)))
    const strayed = new Promise<string>((tell) => {
      stray = tell
    })
    const failure = await Promise.race([ended, strayed])
    if (failure !== undefined) return { passed: false, failure }
    const [first] = one.lists.fail
    return { passed: one.passing(), failure: first?.fullname ?? first?.name ?? '' }
  }

  return { collect, preload, renew, reuse, run }
}
