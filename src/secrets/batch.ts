/**
 * Reads that belong to one request, brought together by store: in few calls where the store can read many at once,
 * otherwise side by side, but not all at once. Rule: one that fails fails alone, and all share one deadline.
 */
import { ProviderFault } from '../core/fault.ts'
import type { Locator, SecretRecord } from '../core/secret.ts'
import type { CallOptions } from '../kinds/provider.ts'
import type { Store } from './stores.ts'

export type ReadFrom = (store: Store, locator: Locator, client?: string) => Promise<SecretRecord>

/** Runs a call on a client's behalf. */
export const callFor =
  ({ call }: Pick<Store, 'call'>, client: string | undefined): Store['call'] =>
  (work) =>
    call((options) => work({ ...options, ...(client !== undefined && { client }) }))

const SIDE_BY_SIDE = 16

interface Asked {
  readonly locator: Locator
  readonly resolve: (record: SecretRecord) => void
  readonly reject: (error: unknown) => void
}

/** One read by itself. */
export const readAlone: ReadFrom = (store, locator, client) =>
  callFor(store, client)((options) => store.provider.read(locator, options))

const isForMany = ({ version, nativeId }: Locator): boolean =>
  version === undefined && nativeId === undefined

const readSideBySide = async (
  { provider }: Store,
  asked: readonly Asked[],
  options: CallOptions
): Promise<void> => {
  const waiting = asked.values()
  const work = async (): Promise<void> => {
    for (const { locator, resolve, reject } of waiting) {
      await provider.read(locator, options).then(resolve, reject)
    }
  }
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work))
}

const readTogether = async (
  readMany: NonNullable<Store['provider']['readMany']>,
  asked: readonly Asked[],
  options: CallOptions
): Promise<void> => {
  const results = await readMany(
    asked.map(({ locator }) => locator),
    options
  )
  asked.forEach(({ resolve, reject }, i) => {
    const result = results[i] ?? new ProviderFault('invalid_answer')
    if (result instanceof ProviderFault) reject(result)
    else resolve(result)
  })
}

const readAll = async (
  store: Store,
  asked: readonly Asked[],
  client: string | undefined
): Promise<void> => {
  const call = callFor(store, client)
  const { readMany } = store.provider
  const together = readMany === undefined ? [] : asked.filter(({ locator }) => isForMany(locator))
  const apart = together.length > 1 ? asked.filter((one) => !together.includes(one)) : asked
  const run = async (
    group: readonly Asked[],
    work: (options: CallOptions) => Promise<void>
  ): Promise<void> => {
    try {
      await call(work)
    } catch (fault) {
      // Those that have an answer keep it.
      for (const { reject } of group) reject(fault)
    }
  }
  await Promise.all([
    run(apart, (options) => readSideBySide(store, apart, options)),
    readMany !== undefined && together.length > 1
      ? run(together, (options) => readTogether(readMany, together, options))
      : undefined
  ])
}

/** A reader for the parts of one batch: what is asked of a store within one turn of the event loop is read together. */
export const createBatchReader = (client?: string): ReadFrom => {
  const waiting = new Map<Store, Asked[]>()
  const flush = (): void => {
    for (const [store, asked] of waiting) void readAll(store, asked, client)
    waiting.clear()
  }
  return (store, locator) =>
    new Promise((resolve, reject) => {
      if (waiting.size === 0) setImmediate(flush)
      const asked = waiting.get(store)
      if (asked === undefined) waiting.set(store, [{ locator, resolve, reject }])
      else asked.push({ locator, resolve, reject })
    })
}
