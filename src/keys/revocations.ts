/** Keys that were revoked before their time, by key id. Rule: in force on the next request, also when another process revoked. */
import type { State } from '../state/state.ts'

export interface Revocations {
  readonly isRevoked: (keyId: string) => boolean
  /** Resolves once the revocation is durable; false if the key was revoked before. `now` in milliseconds. */
  readonly revoke: (keyId: string, now: number) => Promise<boolean>
}

const PREFIX = 'revoked/'

export const createRevocations = (state: State): Revocations => {
  const { getSync } = state
  if (getSync === undefined) throw new Error('revocations need a state that answers at once')
  return {
    isRevoked: (keyId) => getSync(PREFIX + keyId) !== undefined,
    revoke: (keyId, now) =>
      state.compareAndSet(
        PREFIX + keyId,
        undefined,
        Buffer.from(JSON.stringify({ at: new Date(now).toISOString() }))
      )
  }
}
