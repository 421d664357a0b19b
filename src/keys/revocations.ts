/**
 * Keys that were revoked before their time, by key id. Rule: in force on the next request, also when another process
 * revoked. Where all that a key issued was to be revoked too, a second name beside the key's own says so: a key is
 * refused where one of its ancestors has such a name.
 */
import { asJson, isObject } from '../core/json.ts'
import type { Principal } from '../core/principal.ts'
import { isLongOver, type Leftovers } from '../state/leftovers.ts'
import { STATE_SPACES } from '../state/namespaces.ts'
import type { State } from '../state/state.ts'
import { SESSION_MAX_SECONDS } from './lifetime.ts'

export interface Revocation {
  /** False if the key was revoked before. */
  readonly isNew: boolean
  /** False while the state cannot be reached: in force here alone, and tried again for as long as this process runs. */
  readonly isDurable: boolean
}

export interface Revocations {
  /** A key's id, or the name of all that it issued. */
  readonly isRevoked: (name: string) => boolean
  /** In force here when it resolves. `now` in milliseconds. */
  readonly revoke: (name: string, now: number) => Promise<Revocation>
}

/** Of many keys: each is written and put on record by itself, and what is under way at once is written together. */
export const REVOKED_AT_ONCE = 64

const ISSUED = '/issued'
const SESSION = '/session'

/**
 * The name under which all that the key issued is revoked. It has not the form of a key's id, so that a version which
 * does not know such names ignores it.
 */
export const issuedBy = (keyId: string): string => keyId + ISSUED

/** The name under which a session is ended. A version that does not know such names ignores it too. */
export const sessionNamed = (sessionId: string): string => sessionId + SESSION

/** The name under which the tokens of a session are ended that were signed before it was proven once more, at that mark. */
export const tokensNamed = (sessionId: string, reauthenticatedAt = 0): string =>
  `${sessionId}/${reauthenticatedAt}${SESSION}`

const SUFFIX = new RegExp(`(?:${ISSUED}|(?:/\\d+)?${SESSION})$`)

/** The key that a revocation names, itself or as an issuer, or the session. */
export const idIn = (name: string): string => name.replace(SUFFIX, '')

/** Whether the key was revoked, or one that it descends from with all that it issued. */
export const isKeyRevoked = (
  isRevoked: Revocations['isRevoked'],
  { keyId, via }: Pick<Principal, 'keyId' | 'via'>
): boolean => isRevoked(keyId) || (via?.some((id) => isRevoked(issuedBy(id))) ?? false)

const { prefix: PREFIX } = STATE_SPACES.revoked

export const entryKeyOf = (name: string): string => PREFIX + name

export const putRevocation = (state: State, keyId: string, now: number): Promise<boolean> =>
  state.compareAndSet(
    entryKeyOf(keyId),
    undefined,
    Buffer.from(JSON.stringify({ at: new Date(now).toISOString() }))
  )

export const listRevoked = async (state: State): Promise<string[]> => {
  const keyIds: string[] = []
  for await (const { key } of state.list(PREFIX)) keyIds.push(key.slice(PREFIX.length))
  return keyIds
}

/** Of sessions that would have ended by themselves since. */
export const endedSessions: Leftovers = {
  name: 'sessions',
  prefix: PREFIX,
  isOver: ({ key, value }, now) => {
    if (!key.endsWith(SESSION)) return false
    const entry = asJson(value.toString())
    const at = isObject(entry) ? Date.parse(String(entry['at'])) : Number.NaN
    return isLongOver(at + SESSION_MAX_SECONDS * 1000, now)
  }
}

/** On a state that answers at once, and is asked each time. */
export const createRevocations = (state: State): Revocations => {
  const { getSync } = state
  if (getSync === undefined) throw new Error('revocations need a state that answers at once')
  return {
    isRevoked: (keyId) => getSync(entryKeyOf(keyId)) !== undefined,
    revoke: async (keyId, now) => ({
      isNew: await putRevocation(state, keyId, now),
      isDurable: true
    })
  }
}
