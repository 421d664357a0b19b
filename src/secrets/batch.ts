/**
 * The reads of one request, gathered by store: in few calls if the store can read many at once, otherwise side by side
 * up to a bound. Rule: a read that fails does not fail the others, and all share one deadline.
 */
import { setMaxListeners } from 'node:events'
import { ProviderFault } from '../core/fault.ts'
import type { Locator, SecretRecord } from '../core/secret.ts'
import { sideBySide } from '../core/side-by-side.ts'
import type { Asking } from './guard.ts'
import type { Store } from './stores.ts'

export type ReadFrom = (store: Store, locator: Locator, client?: string) => Promise<SecretRecord>

const SIDE_BY_SIDE = 16

interface Asked {
  readonly locator: Locator
  readonly resolve: (record: SecretRecord) => void
  readonly reject: (error: unknown) => void
}

/** A read in a call of its own. */
export const readAlone: ReadFrom = (store, locator, client) => store.read(locator, { client })

const isForMany = ({ version, nativeId }: Locator): boolean =>
  version === undefined && nativeId === undefined

const readTogether = async (
  readMany: NonNullable<Store['readMany']>,
  asked: readonly Asked[],
  asking: Asking
): Promise<void> => {
  const locators = asked.map(({ locator }) => locator)
  // A fault of the whole call is the fault of each read in it.
  const results = await readMany(locators, asking).catch((fault: ProviderFault) =>
    asked.map(() => fault)
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
  const { readMany, timeoutMs } = store
  const signal = AbortSignal.timeout(timeoutMs)
  // Node takes more than ten for a leak, and says so in the log.
  setMaxListeners(0, signal)
  const asking = { client, signal }
  const together = readMany === undefined ? [] : asked.filter(({ locator }) => isForMany(locator))
  const isMany = together.length > 1
  const apart = isMany ? asked.filter((one) => !together.includes(one)) : asked
  await Promise.all([
    sideBySide(apart, SIDE_BY_SIDE, ({ locator, resolve, reject }) =>
      store.read(locator, asking).then(resolve, reject)
    ),
    isMany && readMany !== undefined ? readTogether(readMany, together, asking) : undefined
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
