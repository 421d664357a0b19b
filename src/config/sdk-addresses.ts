/** Addresses that an SDK takes from its own variables. Rule: secrets and logins go there over TLS, or stay on this machine. */
import { isLoopback } from '../core/network.ts'
import type { Environ } from './env.ts'
import type { ConfigFault } from './fault.ts'
import type { StoreConfig } from './store.ts'

/** What is no address at all is for the SDK to refuse. */
const isInTheClear = (address: string): boolean =>
  /^\s*http:/i.test(address) && !(URL.canParse(address) && isLoopback(new URL(address).hostname))

export const clearAddresses = (
  stores: readonly Pick<StoreConfig, 'plugin'>[],
  environ: Environ
): ConfigFault[] => {
  const patterns = new Set(stores.flatMap(({ plugin }) => plugin.addressVariables ?? []))
  return Object.entries(environ)
    .filter(([name]) => [...patterns].some((pattern) => pattern.test(name)))
    .filter(([, address = '']) => isInTheClear(address))
    .map(([place]) => ({
      place,
      message: 'would have secrets sent in the clear: https:, or an address of this machine'
    }))
}
