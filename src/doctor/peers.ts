/**
 * What is asked of Redis, of the state and of the stores, once for all checks. Rule: nothing is asked before a check
 * wants it, nothing is changed, and all of it is closed at the end.
 */
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { hasSink } from '../audit/sinks.ts'
import type { Config } from '../config/config.ts'
import type { ConfigFault } from '../config/fault.ts'
import { createKeyring } from '../crypto/keyring.ts'
import { LaterFormat, requireKnownFormat } from '../state/format.ts'
import { type OpenedState, openState } from '../state/open-state.ts'
import type { RedisLook } from '../state/redis-look.ts'
import type { State } from '../state/state.ts'
import { type Kept, lookAtKept } from './kept.ts'
import { type LookedAt, lookAtStores } from './looked-at.ts'
import { type LookedAtTrust, lookAtTrusts } from './looked-at-trusts.ts'
import { MEND_FIRST, NotKnown } from './not-known.ts'

export interface Peers {
  /** With REDIS_URL only. */
  readonly redis: () => Promise<RedisLook>
  /** Undefined: nothing is kept yet. Rejects with NotKnown where it must not be opened, and where it cannot be read. */
  readonly kept: () => Promise<Kept | undefined>
  /** With the faults of definitions that other stores keep. Rejects with NotKnown. */
  readonly stores: () => Promise<{
    readonly faults: readonly ConfigFault[]
    readonly all: readonly LookedAt[]
  }>
  /** Rejects with NotKnown. */
  readonly trusts: () => Promise<readonly LookedAtTrust[]>
  readonly close: () => Promise<void>
}

export interface PeersOptions {
  readonly config: Config | undefined
  readonly uid: number | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

const once = <T>(work: () => Promise<T>): (() => Promise<T>) => {
  let outcome: Promise<T> | undefined
  return () => {
    outcome ??= work()
    return outcome
  }
}

const withoutChanges = (state: State): State => ({ ...state, compareAndSet: async () => false })

/** Where nothing is kept, and nothing is to be created. */
const NO_STATE: State = {
  get: async () => undefined,
  compareAndSet: async () => false,
  list: async function* () {},
  close: async () => {}
}

const OTHER_USER = 'the state belongs to another user: run doctor as that of the service'

const ownerOf = (file: string): number | undefined => {
  try {
    return statSync(file).uid
  } catch (error) {
    // What may not be looked at may well be there.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw new NotKnown(OTHER_USER)
    return undefined
  }
}

/** Whether there is a state to open; a file that LMDB would make is to be its owner's, the service's. */
const hasEmbedded = (dataDir: string, uid: number | undefined): boolean => {
  const owner = ownerOf(join(dataDir, 'state', 'data.mdb'))
  if (owner === undefined) return false
  const isWhole = existsSync(join(dataDir, 'state', 'lock.mdb'))
  if (owner !== uid && !(uid === 0 && isWhole)) throw new NotKnown(OTHER_USER)
  return true
}

export const createPeers = ({ config, uid, now }: PeersOptions): Peers => {
  const whole = (): Config => {
    if (config === undefined) throw new NotKnown(MEND_FIRST)
    return config
  }
  /** One for all: a process opens the environment of LMDB only once. */
  const opened = once(async (): Promise<OpenedState | undefined> => {
    const { dataDir, redis, settings } = whole()
    if (redis === undefined && !hasEmbedded(dataDir, uid)) return undefined
    const keyring = createKeyring(settings.ENCRYPTION_KEYS)
    const there = await openState({ dataDir, redis, keyring: () => keyring, log: () => {} })
    try {
      await requireKnownFormat(there.state)
    } catch (error) {
      if (error instanceof LaterFormat) {
        await there.close()
        throw new NotKnown(error.message)
      }
      // Whoever reads more of it will say that it cannot be read.
    }
    return there
  })
  let isOpened = false
  const state = (): ReturnType<typeof opened> => {
    isOpened = true
    return opened()
  }
  return {
    redis: once(async () => {
      const { redis, settings } = whole()
      if (redis === undefined) throw new NotKnown('there is no REDIS_URL')
      const { lookAtRedis } = await import('../state/redis-look.ts')
      return lookAtRedis({ ...redis, hasStreams: hasSink(settings.AUDIT_SINKS, 'redis'), now })
    }),
    kept: once(async () => {
      const there = await state()
      return there && lookAtKept(withoutChanges(there.state), whole(), now)
    }),
    stores: once(async () => {
      const there = await state().catch(() => undefined)
      const kept = there === undefined ? NO_STATE : withoutChanges(there.state)
      return lookAtStores(whole(), { state: kept, shared: there?.shared }, now)
    }),
    trusts: once(async () => lookAtTrusts(whole())),
    close: async () => {
      if (isOpened) await (await opened().catch(() => undefined))?.close()
    }
  }
}
