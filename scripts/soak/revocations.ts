/**
 * Keys that come and go while the soak runs, and what is owed of those that were revoked. Rule: nothing is owed that was
 * not promised: of a revocation whose answer was `pending`, that had none, or that a failover lost, only that it holds in
 * the process that answered.
 */

/** How long a replica that has Redis may still take a key that was revoked elsewhere. */
const REVOKED_WITHIN_MS = 5_000
const KEPT = 400
/** So many are left, to be used before they are revoked. */
const LIVE = 5

export interface IssuedKey {
  readonly keyId: string
  readonly apiKey: string
  readonly client: string
  revoked?: {
    /** As `performance.now` has it, when the answer came. */
    readonly at: number
    readonly isDurable: boolean
    readonly replica: number
    readonly life: number
  }
  isLost?: boolean
}

/** Where a key is used: a replica's process, since when it has had Redis without a break, and when the request leaves. */
export interface Use {
  readonly replica: number
  readonly life: number
  readonly hasRedisSince: number | undefined
  readonly sentAt: number
}

/** Whether the key has to be refused there. `slowness`: how many times longer than alone this machine takes. */
export const isOwed = ({ revoked, isLost }: IssuedKey, use: Use, slowness: number): boolean => {
  if (revoked === undefined) return false
  if (revoked.replica === use.replica && revoked.life === use.life) return use.sentAt >= revoked.at
  if (!revoked.isDurable || isLost || use.hasRedisSince === undefined) return false
  const since = Math.max(revoked.at, use.hasRedisSince)
  return use.sentAt >= since + REVOKED_WITHIN_MS * slowness
}

export interface Keys {
  readonly add: (key: IssuedKey) => void
  /** One that may be revoked next. */
  readonly oldestLive: () => IssuedKey | undefined
  readonly any: (random: () => number) => IssuedKey | undefined
  /** What a failover left of them: others are lost. */
  readonly survived: (keyIds: ReadonlySet<string>) => void
  readonly counts: () => {
    readonly revoked: number
    readonly pending: number
    readonly lost: number
  }
}

export const createKeys = (): Keys => {
  const keys: IssuedKey[] = []
  let forgotten = { revoked: 0, pending: 0, lost: 0 }
  const countsOf = (all: readonly IssuedKey[]) => ({
    revoked: all.filter(({ revoked }) => revoked !== undefined).length,
    pending: all.filter(({ revoked }) => revoked?.isDurable === false).length,
    lost: all.filter(({ isLost }) => isLost).length
  })
  const sum = (a: typeof forgotten, b: typeof forgotten) => ({
    revoked: a.revoked + b.revoked,
    pending: a.pending + b.pending,
    lost: a.lost + b.lost
  })
  return {
    add: (key) => {
      keys.push(key)
      if (keys.length > KEPT) forgotten = sum(forgotten, countsOf(keys.splice(0, 1)))
    },
    oldestLive: () => {
      const live = keys.filter(({ revoked }) => revoked === undefined)
      return live.length > LIVE ? live[0] : undefined
    },
    any: (random) => keys[Math.floor(random() * keys.length)],
    survived: (keyIds) => {
      for (const key of keys) {
        if (key.revoked?.isDurable === true && !keyIds.has(key.keyId)) key.isLost = true
      }
    },
    counts: () => sum(forgotten, countsOf(keys))
  }
}
