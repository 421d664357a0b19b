/** What an API key says, as people and programs are told it. */
import type { Principal } from '../core/principal.ts'

const isoTime = (ms: number): string => new Date(ms).toISOString()

/** A key's claims as its bearer and siblings may see them. */
export const toClaims = (principal: Principal) => ({
  client: principal.client,
  keyId: principal.keyId,
  scopes: [...principal.scopes],
  mode: principal.mode,
  environment: principal.environment,
  minimumVersion: principal.minimumVersion,
  issuedAt: isoTime(principal.issuedAt * 1000),
  ...(principal.expiresAt !== undefined && { expiresAt: isoTime(principal.expiresAt * 1000) }),
  ...(principal.via !== undefined && { via: [...principal.via] }),
  ...(principal.networks !== undefined && { networks: [...principal.networks] })
})
