/**
 * Who still presents API keys under which encryption key, so that an operator knows when the old one can go. Rule: only
 * keys that would be accepted count; a key that was never seen cannot be known.
 */
import { type Static, Type } from 'typebox'
import type { Keyring } from '../crypto/keyring.ts'
import { isKeyRevoked } from './revocations.ts'
import type { KeyUse } from './usage.ts'

const Moment = Type.String({ format: 'date-time' })
const Count = (description: string) => Type.Integer({ description })

export const EncryptionKeyReport = Type.Object({
  kid: Type.String(),
  active: Type.Boolean({ description: 'new keys are issued under it' }),
  keys: Count('keys under it that were seen and would be accepted'),
  inUse: Count('of these, used within quietHours'),
  firstSeen: Type.Optional(Moment),
  lastUsed: Type.Optional(Moment),
  mayGo: Type.Boolean({
    description: 'not active, and no key under it was used within quietHours'
  }),
  clients: Type.Array(
    Type.Object({
      client: Type.String(),
      keys: Count('of this client'),
      lastUsed: Moment,
      quiet: Type.Boolean({ description: 'none of them was used within quietHours' })
    })
  )
})
export type EncryptionKeyReport = Static<typeof EncryptionKeyReport>

export interface ReportRequest {
  readonly keyring: Pick<Keyring, 'active' | 'kids'>
  readonly uses: AsyncIterable<KeyUse>
  readonly isRevoked: (keyId: string) => boolean
  /** Milliseconds since the epoch. */
  readonly now: number
  /** A key that was not used for so long is quiet. */
  readonly quietMs: number
}

interface Seen {
  keys: number
  inUse: number
  firstSeen: string
  lastUsed: string
}

/** Times are ISO in UTC, so that their order is that of their letters. */
const add = (seen: Seen | undefined, use: KeyUse, isInUse: boolean): Seen => ({
  keys: (seen?.keys ?? 0) + 1,
  inUse: (seen?.inUse ?? 0) + (isInUse ? 1 : 0),
  firstSeen: seen !== undefined && seen.firstSeen < use.firstSeen ? seen.firstSeen : use.firstSeen,
  lastUsed: seen !== undefined && seen.lastUsed > use.lastUsed ? seen.lastUsed : use.lastUsed
})

const byName = ([a]: [string, Seen], [b]: [string, Seen]): number => (a < b ? -1 : 1)

/** One entry for each encryption key, in the order of ENCRYPTION_KEYS. */
export const reportEncryptionKeys = async (
  request: ReportRequest
): Promise<EncryptionKeyReport[]> => {
  const { keyring, uses, isRevoked, now, quietMs } = request
  const clientsOf = new Map(keyring.kids.map((kid) => [kid, new Map<string, Seen>()]))
  const totals = new Map<string, Seen>()
  for await (const use of uses) {
    const clients = clientsOf.get(use.kid)
    const isExpired = use.expiresAt !== undefined && Date.parse(use.expiresAt) <= now
    if (clients === undefined || isExpired || isKeyRevoked(isRevoked, use)) continue
    const isInUse = now - Date.parse(use.lastUsed) < quietMs
    clients.set(use.client, add(clients.get(use.client), use, isInUse))
    totals.set(use.kid, add(totals.get(use.kid), use, isInUse))
  }
  return [...clientsOf].map(([kid, clients]) => {
    const total = totals.get(kid)
    const active = kid === keyring.active.kid
    const inUse = total?.inUse ?? 0
    return {
      kid,
      active,
      keys: total?.keys ?? 0,
      inUse,
      ...(total !== undefined && { firstSeen: total.firstSeen, lastUsed: total.lastUsed }),
      mayGo: !active && inUse === 0,
      clients: [...clients].sort(byName).map(([client, seen]) => ({
        client,
        keys: seen.keys,
        lastUsed: seen.lastUsed,
        quiet: seen.inUse === 0
      }))
    }
  })
}
