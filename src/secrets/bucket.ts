/**
 * A token bucket that clients share. Rule: state is data and time is handed in; a call that costs more than is left is
 * let through once, on credit. A client that is alone may take everything. While several ask, a client that has had
 * more than an equal share waits, and a small credit is kept for those that have had less.
 */
import type { Quota } from '../kinds/quota.ts'

export interface Bucket {
  /**
   * Takes the cost; or takes nothing, and returns the seconds until there is something to take. `client`: for whom;
   * undefined: for Purser itself.
   */
  readonly take: (cost: number, client?: string) => number | undefined
  readonly tokens: () => number
  /** The part that is taken, from 0; above 1 on credit. */
  readonly used: () => number
}

export interface BucketOptions {
  readonly quota: Quota
  /** How many replicas share the quota equally. */
  readonly replicas: () => number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** What a client has left of an equal share. */
interface Share {
  left: number
  filledAt: number
}

/** How long after its last call a client counts as one that asks. */
const ASKING_MS = 5_000
const CLIENTS_MAX = 1_000
/** The part of the burst that clients with less than their share may take when others have emptied the bucket. */
const CREDIT = 1 / 8

export const createBucket = ({ quota, replicas, now }: BucketOptions): Bucket => {
  // A share below one call would never allow a call.
  const burst = (): number => Math.max(1, quota.burst / replicas())
  const perSecond = (): number => quota.perSecond / replicas()
  let tokens = burst()
  let filledAt = now()
  /** The clients that ask, in the order of their last calls. */
  const shares = new Map<string, Share>()

  const fill = (): void => {
    const time = now()
    // A clock that was set back gives nothing and takes nothing.
    tokens = Math.min(burst(), tokens + (Math.max(0, time - filledAt) / 1000) * perSecond())
    filledAt = time
  }

  const forgetSilent = (): void => {
    const time = now()
    for (const [client, { filledAt: at }] of shares) {
      if (Math.abs(time - at) < ASKING_MS && shares.size <= CLIENTS_MAX) return
      shares.delete(client)
    }
  }

  /** What is left of the client's share, which is equal for all clients that ask. */
  const shareOf = (client: string): Share => {
    const time = now()
    const known = shares.get(client)
    shares.delete(client)
    forgetSilent()
    const asking = shares.size + 1
    const most = burst() / asking
    const gained = known && (Math.max(0, time - known.filledAt) / 1000) * (perSecond() / asking)
    const share = {
      left: known === undefined ? most : Math.min(most, known.left + (gained ?? 0)),
      filledAt: time
    }
    shares.set(client, share)
    return share
  }

  const secondsTo = (missing: number, rate: number): number =>
    Math.max(1, Math.ceil(missing / rate))

  return {
    take: (cost, client) => {
      fill()
      const share = client === undefined ? undefined : shareOf(client)
      const isShared = share !== undefined && shares.size > 1
      if (isShared && share.left < 1) {
        return secondsTo(1 - share.left, perSecond() / shares.size)
      }
      const least = isShared ? 1 - Math.floor(burst() * CREDIT) : 1
      if (tokens < least) return secondsTo(least - tokens, perSecond())
      tokens -= cost
      if (share !== undefined) share.left = Math.max(share.left - cost, -burst())
      return undefined
    },
    tokens: () => {
      fill()
      return tokens
    },
    used: () => {
      fill()
      return 1 - tokens / burst()
    }
  }
}
