/** The networks that a key may be used from. */
import { isWithin, parseNetwork, type Range } from '../core/network.ts'

/** More would leave no room for scopes in a key. */
export const NETWORKS_MAX = 16
/** As long as the longest IPv6 address with its prefix. */
export const NETWORK_LENGTH_MAX = 49

/** As a key holds it: an address, or a network by its prefix, in small letters. */
export const isNetwork = (text: string): boolean =>
  text.length <= NETWORK_LENGTH_MAX &&
  text === text.toLowerCase() &&
  parseNetwork(text) !== undefined

export const rangesIn = (networks: readonly string[]): Range[] =>
  networks.flatMap((text) => parseNetwork(text) ?? [])

/** Whether each of the networks is a part of one of the others. */
export const areWithin = (inner: readonly string[], outer: readonly string[]): boolean => {
  const around = rangesIn(outer)
  return rangesIn(inner).every((range) => around.some((one) => isWithin(range, one)))
}
