/** Keys that were revoked before their time, by key id. Rule: in force on the next request, also when another process revoked. */
import type { State } from '../state/state.ts'

export interface Revocation {
  /** False if the key was revoked before. */
  readonly isNew: boolean
  /** False while the state cannot be reached: in force here alone, and tried again for as long as this process runs. */
  readonly isDurable: boolean
}

export interface Revocations {
  readonly isRevoked: (keyId: string) => boolean
  /** In force here when it resolves. `now` in milliseconds. */
  readonly revoke: (keyId: string, now: number) => Promise<Revocation>
}

const PREFIX = 'revoked/'

export const entryKeyOf = (keyId: string): string => PREFIX + keyId

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
