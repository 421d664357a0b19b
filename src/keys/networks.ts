/** The networks that a key may be used from. */
import { isWithin, parseNetwork, type Range } from '../core/network.ts'

/** More would leave no room for scopes in a key. */
export const NETWORKS_MAX = 16
/** As long as the longest IPv6 address with its prefix. */
export const NETWORK_LENGTH_MAX = 49

/** How people write one. */
export const NETWORK_FORM =
  'an address, or a network by its first address with a prefix, such as 10.1.0.0/16'

/** As a key holds it: in small letters, and a network under one prefix by no other than its first address. */
export const isNetwork = (text: string): boolean => {
  if (text.length > NETWORK_LENGTH_MAX || text !== text.toLowerCase()) return false
  const network = parseNetwork(text)
  const [address = '', prefix = ''] = text.split('/')
  const isFirst = network !== undefined && parseNetwork(address)?.start === network.start
  return isFirst && !/^0\d/.test(prefix)
}

export const rangesIn = (networks: readonly string[]): Range[] =>
  networks.flatMap((text) => parseNetwork(text) ?? [])

/** Whether each of the networks is a part of one of the others. */
export const areWithin = (inner: readonly string[], outer: readonly string[]): boolean => {
  const around = rangesIn(outer)
  return rangesIn(inner).every((range) => around.some((one) => isWithin(range, one)))
}
