/** Addresses of callers: as proxies write them, of a request, and whom they stand for. */
import { isIP } from 'node:net'
import { normalizeIP } from '@fastify/rate-limit'
import type { FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'

/**
 * Who asks, as far as the network knows. A trusted proxy may pass on what is no address: then it is the proxy itself.
 */
export const addressOf = ({ ip, socket: { remoteAddress = '' } }: FastifyRequest): string =>
  ip === remoteAddress || isIP(ip) !== 0 ? ip : remoteAddress

/** Of the caller in front of a proxy, if a trusted one told it. */
export const toldAddressOf = (request: FastifyRequest): string | undefined => {
  const { address, ip, ips = [] } = request
  return ips.length > 1 && address === ip ? address : undefined
}

// The network of an address is remembered, since finding it costs as much as the rest of admission.
const networks = new LRUCache<string, string>({
  max: 1_000,
  memoMethod: (address) => normalizeIP(address)
})

/**
 * The network that an address counts as: one subscriber is one caller, whatever addresses it uses. A subscriber has a
 * whole /64 of IPv6 addresses, and an IPv4 address has two spellings.
 */
export const networkOf = (address: string): string => networks.memo(address)

// RFC 7239, 6 has these forms, and Azure's Application Gateway, IIS and HAProxy use them in X-Forwarded-For too. An
// IPv6 address without brackets is taken as it stands: what follows its last colon is a part of it.
const DRESSED =
  /^"?(?:(\d{1,3}(?:\.\d{1,3}){3})(?::\d{1,5})?|\[([\da-f:.]{2,45})\](?::\d{1,5})?)"?$/i

const plainAddress = (written: string): string => {
  const [, v4, v6] = DRESSED.exec(written) ?? []
  return v4 ?? v6 ?? (written === '' ? 'unknown' : written)
}

/**
 * X-Forwarded-For with bare addresses, so that those of TRUST_PROXY are known in it and limits count addresses, not
 * ports. Only a port, brackets and quotes around an address are taken off; if an address does not remain, there is
 * none. An empty entry is one of nobody knows whom, and not one that may be left out.
 */
export const plainAddresses = (header: string): string =>
  /[[":]|(^|,)\s*(,|$)/.test(header)
    ? header
        .split(',')
        .map((written) => plainAddress(written.trim()))
        .join(', ')
    : header
