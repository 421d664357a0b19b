/**
 * From where a key may be used. Rule: a key's networks are parsed once, an address once for as long as it is remembered,
 * and an address that is not known is in no network.
 */
import { LRUCache } from 'lru-cache'
import { isWithin, parseNetwork, type Range } from '../core/network.ts'
import type { Principal } from '../core/principal.ts'

/** More would leave no room for scopes in a key. */
export const NETWORKS_MAX = 16
/** As long as the longest IPv6 address with its prefix. */
export const NETWORK_LENGTH_MAX = 49

/** As a key holds it: an address, or a network by its prefix, in small letters. */
export const isNetwork = (text: string): boolean =>
  text.length <= NETWORK_LENGTH_MAX &&
  text === text.toLowerCase() &&
  parseNetwork(text) !== undefined

const rangesIn = (networks: readonly string[]): Range[] =>
  networks.flatMap((text) => parseNetwork(text) ?? [])

/** Whether each of the networks is a part of one of the others. */
export const areWithin = (inner: readonly string[], outer: readonly string[]): boolean => {
  const around = rangesIn(outer)
  return rangesIn(inner).every((range) => around.some((one) => isWithin(range, one)))
}

const NOWHERE: Range = { start: -1n, end: -1n }
const addresses = new LRUCache<string, Range>({ max: 1_000 })

const placeOf = (address: string): Range => {
  const known = addresses.get(address)
  if (known !== undefined) return known
  // A prefix is none of an address's.
  const place = (address.includes('/') ? undefined : parseNetwork(address)) ?? NOWHERE
  addresses.set(address, place)
  return place
}

// By the principal, which is the same object for as long as the key is known.
const parsed = new WeakMap<Principal, readonly Range[]>()

/** Undefined: an address that nobody told. */
export const mayComeFrom = (principal: Principal, address: string | undefined): boolean => {
  const { networks } = principal
  if (networks === undefined) return true
  if (address === undefined) return false
  let ranges = parsed.get(principal)
  if (ranges === undefined) {
    ranges = rangesIn(networks)
    parsed.set(principal, ranges)
  }
  const place = placeOf(address)
  for (const range of ranges) if (isWithin(place, range)) return true
  return false
}
