/**
 * The state that a configuration asks for: Redis if REDIS_URL is set, LMDB under DATA_DIR otherwise. Rule: opening
 * waits for nobody, and what is not configured is not even loaded.
 */
import type { Keyring } from '../crypto/keyring.ts'
import { createEmbeddedState } from './embedded.ts'
import type { StateLog } from './log.ts'
import type { OnCall } from './redis-link.ts'
import type { Streams } from './redis-streams.ts'
import type { RedisAddress } from './redis-url.ts'
import type { Shared } from './shared.ts'
import type { State } from './state.ts'

export interface StatePlace {
  /** Where the embedded state stands, if there is no Redis. */
  readonly dataDir: string
  readonly redis: { readonly address: RedisAddress; readonly prefix: string } | undefined
  /** Asked for at each operation: the key ring can be reloaded. */
  readonly keyring: () => Keyring
  readonly log: StateLog
  /** Whether the audit trail is kept in Redis too. */
  readonly hasStreams?: boolean
  /** Told of the calls of Redis, by what they are for. */
  readonly redisCalls?: Readonly<Record<'shared' | 'state', OnCall>> | undefined
}

export interface OpenedState {
  readonly state: State
  /** Undefined for the embedded state: there is nobody to share with. */
  readonly shared: Shared | undefined
  /** On a connection of their own, which whoever opens them closes; undefined for the embedded state. */
  readonly openStreams: (() => Streams) | undefined
  readonly close: () => Promise<void>
}

/** Throws an `Error` that names the folder if the embedded state cannot be used. */
export const openState = async (place: StatePlace): Promise<OpenedState> => {
  const { dataDir, redis, keyring, log, redisCalls, hasStreams = false } = place
  if (redis === undefined) {
    const state = createEmbeddedState(dataDir)
    return { state, shared: undefined, openStreams: undefined, close: state.close }
  }
  const [{ createRedisState }, { createRedisShared }, { createStreams }] = await Promise.all([
    import('./redis-state.ts'),
    import('./redis-shared.ts'),
    import('./redis-streams.ts')
  ])
  const shared = createRedisShared({ ...redis, log, onCall: redisCalls?.shared, hasStreams })
  // Whoever is refused first tells of a Redis that is full.
  const { refused: onRefused } = shared
  const state = createRedisState({ ...redis, keyring, onCall: redisCalls?.state, onRefused })
  return {
    state,
    shared,
    openStreams: () => createStreams({ ...redis, onRefused }),
    close: async () => {
      await Promise.all([shared.close(), state.close()])
    }
  }
}
