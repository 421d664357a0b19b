/** Addresses and networks: those that settings name, and those that a key is bound to. */
import { isIP, isIPv4 } from 'node:net'

/** Of this machine alone, as a URL or a setting writes it. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || /^\[?::1\]?$/.test(host) || (isIPv4(host) && host.startsWith('127.'))

const BITS = 128n
/** IPv4 stands in IPv6 as ::ffff:0:0/96 (RFC 4291, 2.5.5.2): a network there counts for both. */
const IPV4_START = 0xffffn << 32n

export interface Range {
  readonly start: bigint
  /** The first address after it. */
  readonly end: bigint
}

const fromIPv4 = (address: string): bigint =>
  address.split('.').reduce((sum, part) => (sum << 8n) + BigInt(part), 0n)

const fromIPv6 = (address: string): bigint => {
  const [, dotted] = /:([\d.]+\.[\d.]+)$/.exec(address) ?? []
  const low = dotted === undefined ? '' : fromIPv4(dotted).toString(16).padStart(8, '0')
  const text =
    dotted === undefined
      ? address
      : `${address.slice(0, -dotted.length)}${low.slice(0, 4)}:${low.slice(4)}`
  const [head = '', tail] = text.split('::')
  const groups = (part: string): string[] => part.split(':').filter((group) => group !== '')
  const before = groups(head)
  const after = groups(tail ?? '')
  const zeros = Array(8 - before.length - after.length).fill('0')
  return BigInt(
    `0x${[...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join('')}`
  )
}

/** `address` or `address/prefix`; undefined for anything else, also for one of a zone (`fe80::1%eth0`). */
export const parseNetwork = (text: string): Range | undefined => {
  const [address = '', prefix, ...others] = text.split('/')
  const family = isIP(address)
  const bits = family === 4 ? 32 : 128
  if (family === 0 || others.length > 0 || address.includes('%')) return undefined
  if (prefix !== undefined && !(/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits))
    return undefined
  const fixed = family === 4 ? 96n + BigInt(prefix ?? 32) : BigInt(prefix ?? 128)
  const value = family === 4 ? IPV4_START + fromIPv4(address) : fromIPv6(address)
  const size = 1n << (BITS - fixed)
  const start = value - (value % size)
  return { start, end: start + size }
}

export const isWithin = (inner: Range, outer: Range): boolean =>
  inner.start >= outer.start && inner.end <= outer.end

const ALL: Range = { start: 0n, end: 1n << BITS }
const ALL_IPV4: Range = { start: IPV4_START, end: IPV4_START + (1n << 32n) }
/** A sixteenth of all addresses: more than any proxies have, and less than a handful of networks can hide. */
const SHARE = 16n

const coversMuchOf = (ranges: readonly Range[], whole: Range): boolean => {
  let covered = 0n
  let reached = whole.start
  for (const { start, end } of ranges) {
    const from = start > reached ? start : reached
    const to = end < whole.end ? end : whole.end
    if (to > from) {
      covered += to - from
      reached = to
    }
  }
  return covered * SHARE >= whole.end - whole.start
}

/** Whether the networks together are so much of IPv4 or of IPv6 that nearly anybody is in them. */
export const coverNearlyAll = (networks: readonly Range[]): boolean => {
  const ranges = networks.toSorted((a, b) => (a.start < b.start ? -1 : 1))
  return [ALL, ALL_IPV4].some((whole) => coversMuchOf(ranges, whole))
}

/** Names that lead to no public address (RFC 6761, 6762 and 8375; `internal` is ICANN's), and those without a dot. */
const PRIVATE_NAME =
  /^[^.]+$|\.(internal|local|localdomain|home\.arpa|lan|svc|test|example|invalid)$|\.svc\.[a-z0-9.-]+$/i

const PRIVATE_NETWORKS = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '127.0.0.0/8',
  '::1',
  'fc00::/7',
  'fe80::/10'
].flatMap((text) => parseNetwork(text) ?? [])

/** Whether the host may be in a closed network: an address that is not public, or a name that need not be. */
export const mayBePrivate = (host: string): boolean => {
  const address = parseNetwork(host.replace(/^\[|\]$/g, ''))
  if (address === undefined) return PRIVATE_NAME.test(host)
  return PRIVATE_NETWORKS.some((network) => isWithin(address, network))
}
