/**
 * Whether a caller is where its key may be used. Rule: a key's networks are parsed once, an address once for as long as it
 * is remembered, and an address that is not known is in no network.
 */
import { LRUCache } from 'lru-cache'
import { isWithin, parseNetwork, type Range } from '../core/network.ts'
import type { Principal } from '../core/principal.ts'
import { rangesIn } from './networks.ts'

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
