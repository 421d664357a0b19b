/** Checks of what is kept: the state, and the keys that are known by their use. */
import { isLoopback } from '../../core/network.ts'
import { type Check, type Finding, fail, warn, when } from '../check.ts'
import type { Installation } from '../installation.ts'
import type { Kept } from '../kept.ts'
import { NotKnown } from '../not-known.ts'

/** What cannot be read is told by the check of the state itself. */
const ofKept =
  (find: (kept: Kept, on: Installation) => readonly Finding[]) =>
  async (on: Installation): Promise<readonly Finding[]> => {
    const kept = await on.peers.kept().catch((error: unknown) => {
      throw error instanceof NotKnown ? error : new NotKnown('the state cannot be read')
    })
    return kept === undefined ? [] : find(kept, on)
  }

const DAY_MS = 86_400_000
const SOON_DAYS = 14
const SHOWN = 5

const clients = (uses: Kept['uses']): string => {
  const names = [...new Set(uses.map(({ client }) => client))].sort()
  const more = names.length - SHOWN
  return more > 0 ? `${names.slice(0, SHOWN).join(', ')} and ${more} more` : names.join(', ')
}

const endless = ({ uses }: Kept, { settings }: Installation): readonly Finding[] => {
  const found = uses.filter(({ expiresAt }) => expiresAt === undefined)
  const also = settings.API_KEY_MAX_DAYS === 0 ? ', and set API_KEY_MAX_DAYS' : ''
  return when(
    found.length > 0,
    warn(
      `${found.length} API keys in use never end (${clients(found)}): issue others with --expires, revoke these${also}`
    )
  )
}

const ending = ({ uses }: Kept, { now }: Installation): readonly Finding[] => {
  const found = uses.filter(
    ({ expiresAt }) => expiresAt !== undefined && Date.parse(expiresAt) - now < SOON_DAYS * DAY_MS
  )
  return when(
    found.length > 0,
    warn(
      `${found.length} API keys in use end within ${SOON_DAYS} days (${clients(found)}): issue others`
    )
  )
}

/**
 * Who listens on this machine alone, or leaves TLS to others, has a proxy before it; whose address a caller has is then
 * the proxy's. A key that is refused for it is not seen: those in use are bound to networks that the proxy is in.
 */
const unbound = ({ uses }: Kept, { settings }: Installation): readonly Finding[] => {
  const { HOST = '', TRUST_PROXY, TLS_CERT_FILE } = settings
  const isBehind = isLoopback(HOST) || TLS_CERT_FILE === undefined
  if (TRUST_PROXY !== undefined || !isBehind) return []
  const found = uses.filter(({ networks }) => networks !== undefined)
  return when(
    found.length > 0,
    warn(
      `${found.length} API keys in use are bound to networks (${clients(found)}), and every caller that comes through a proxy has the address of that: list it in TRUST_PROXY, or they bind nobody behind it`
    )
  )
}

export const stateChecks: readonly Check[] = [
  {
    id: 'state-readable',
    title: 'what is kept can be read',
    places: ['DATA_DIR'],
    run: async ({ peers }) => {
      try {
        await peers.kept()
        return []
      } catch (error) {
        if (error instanceof NotKnown) throw error
        return [
          fail(
            'the state cannot be read: see that its folder below DATA_DIR is whole and belongs to this user, or that Redis answers'
          )
        ]
      }
    }
  },
  {
    id: 'encryption-keys-whole',
    title: 'ENCRYPTION_KEYS holds every key that something kept needs',
    run: ofKept(({ faults }) => faults.map(({ place, message }) => fail(`${place} ${message}`)))
  },
  {
    id: 'encryption-keys-used',
    title: 'every encryption key is still in use',
    run: ofKept(({ encryptionKeys }) =>
      encryptionKeys
        .filter(({ mayGo }) => mayGo)
        .map(({ kid }) =>
          warn(`nobody uses the encryption key ${kid} any more: take it out of ENCRYPTION_KEYS`)
        )
    )
  },
  {
    id: 'api-keys-end',
    title: 'every API key in use ends one day',
    places: ['API_KEY_MAX_DAYS'],
    run: ofKept(endless)
  },
  {
    id: 'api-keys-renewed',
    title: `no API key in use ends within ${SOON_DAYS} days`,
    run: ofKept(ending)
  },
  {
    id: 'api-keys-bound',
    title: 'API keys that are bound to networks are held to the addresses of their callers',
    run: ofKept(unbound)
  }
]
