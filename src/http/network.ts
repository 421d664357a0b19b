/** Whom an address stands for. Rule: one subscriber is one caller, however many addresses there are to come from. */
import { normalizeIP } from '@fastify/rate-limit'
import { LRUCache } from 'lru-cache'

// One subscriber has a whole /64 of IPv6 addresses, and an IPv4 address has two spellings. What network an address is in is
// kept, since to find it costs as much as the rest of admission.
const networks = new LRUCache<string, string>({
  max: 1_000,
  memoMethod: (address) => normalizeIP(address)
})

export const networkOf = (address: string): string => networks.memo(address)
