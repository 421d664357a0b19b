/** A token bucket. Rule: state is data and time is handed in; what costs more than is left is let through once, on credit. */
import type { Quota } from '../providers/quotas.ts'

export interface Bucket {
  /** Takes the cost; or takes nothing, and gives the seconds until there is something to take. */
  readonly take: (cost: number) => number | undefined
  readonly tokens: () => number
}

export interface BucketOptions {
  readonly quota: Quota
  /** How many replicas have an equal share of it. */
  readonly replicas: () => number
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export const createBucket = ({ quota, replicas, now }: BucketOptions): Bucket => {
  // A share of less than one call would never be one.
  const burst = (): number => Math.max(1, quota.burst / replicas())
  const perSecond = (): number => quota.perSecond / replicas()
  let tokens = burst()
  let filledAt = now()

  const fill = (): void => {
    const time = now()
    // A clock that was set back gives nothing and takes nothing.
    tokens = Math.min(burst(), tokens + (Math.max(0, time - filledAt) / 1000) * perSecond())
    filledAt = time
  }

  return {
    take: (cost) => {
      fill()
      if (tokens < 1) return Math.max(1, Math.ceil((1 - tokens) / perSecond()))
      tokens -= cost
      return undefined
    },
    tokens: () => {
      fill()
      return tokens
    }
  }
}
