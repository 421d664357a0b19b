/**
 * Whether a peer that fails is left alone for a while. Rule: state is data and time is handed in; after that time one
 * call at a time finds out whether the peer is back, and calls that began before the last change of state do not count.
 */
import { type FaultReason, isTransient, ProviderFault } from '../core/fault.ts'

export interface BreakerState {
  readonly state: 'closed' | 'open' | 'half-open'
  /** Why the breaker opened; absent while it is closed. */
  readonly reason?: FaultReason
  /** Until when the breaker is open, in milliseconds since the epoch; absent while it is closed. */
  readonly until?: number
}

/**
 * How a call ended: with a fault, or without. `deadline`: the one that it shared with other calls; undefined: it had
 * its own.
 */
export type Settle = (fault: ProviderFault | undefined, deadline: AbortSignal | undefined) => void

export interface Breaker {
  /** What a call is refused with now; undefined: it may be made. */
  readonly refusal: () => ProviderFault | undefined
  /** To be called before each call; every call must end, at its deadline at the latest. */
  readonly enter: () => Settle
  /** The peer has answered in another way: if the breaker is open, the next call tries the peer at once. */
  readonly hasten: () => void
  readonly state: () => BreakerState
}

export interface BreakerOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** From 0 to 1; so that replicas do not come back all at once. */
  readonly random: () => number
  /** Called once when the breaker opens, and once when it closes; not for probes that fail. */
  readonly changed: (state: BreakerState) => void
}

const FAULTS_TO_OPEN = 5
const FIRST_WAIT_MS = 1_000
const LONGEST_WAIT_MS = 30_000
/** The longest that a Retry-After can keep the breaker open. */
const LONGEST_ASKED_MS = 300_000

const LEFT_ALONE = 'left_alone'

/**
 * Whether a fault may pass by itself: it is transient, and no 4xx but a throttled one, since callers can provoke other
 * 4xx by what they ask.
 */
export const mayPass = (fault: ProviderFault): boolean => {
  const { reason, status = 0 } = fault
  return isTransient(fault) && (reason === 'throttled' || status < 400 || status >= 500)
}

interface Past extends BreakerOptions {
  /** In a row. */
  faults: number
  /** How often the breaker opened since it was last closed; 0: it is closed. */
  openings: number
  until: number
  reason: FaultReason
  isProbed: boolean
  /** How often the state of the breaker changed. */
  epoch: number
  /** The deadline that passed last. */
  late: AbortSignal | undefined
}

/** Milliseconds until the breaker lets a call through. A clock that was set back does not make them more. */
const remaining = ({ until, now }: Past): number => {
  const left = until - now()
  return left > LONGEST_ASKED_MS ? 0 : Math.max(0, left)
}

const stateOf = (past: Past): BreakerState => {
  const { openings, reason, until } = past
  if (openings === 0) return { state: 'closed' }
  return remaining(past) > 0 ? { state: 'open', reason, until } : { state: 'half-open', reason }
}

const open = (past: Past, fault: ProviderFault): void => {
  const { now, random, changed } = past
  const wait = Math.min(FIRST_WAIT_MS * 2 ** past.openings, LONGEST_WAIT_MS)
  const asked = Math.min((fault.retryAfterSeconds ?? 0) * 1000, LONGEST_ASKED_MS)
  past.until = now() + Math.max(asked, Math.ceil(wait * (0.5 + random() / 2)))
  past.reason = fault.reason
  past.isProbed = false
  past.epoch++
  if (past.openings++ === 0) changed(stateOf(past))
}

const close = (past: Past): void => {
  past.faults = 0
  if (past.openings === 0) return
  past.openings = 0
  past.isProbed = false
  past.epoch++
  past.changed(stateOf(past))
}

const count = (
  past: Past,
  fault: ProviderFault | undefined,
  deadline: AbortSignal | undefined
): void => {
  if (fault === undefined || !mayPass(fault)) {
    close(past)
    return
  }
  // Calls that share a deadline run into it together, also those that began just before it.
  if (past.openings === 0 && fault.reason === 'timeout') {
    if (deadline !== undefined && deadline === past.late) return
    past.late = deadline
  }
  past.faults++
  if (past.openings > 0 || fault.reason === 'throttled' || past.faults >= FAULTS_TO_OPEN) {
    open(past, fault)
  }
}

export const createBreaker = (options: BreakerOptions): Breaker => {
  const past: Past = {
    ...options,
    faults: 0,
    openings: 0,
    until: 0,
    reason: 'unavailable',
    isProbed: false,
    epoch: 0,
    late: undefined
  }
  return {
    refusal: () => {
      if (past.openings === 0) return undefined
      const left = remaining(past)
      if (left === 0 && !past.isProbed) return undefined
      return new ProviderFault(past.reason, {
        code: LEFT_ALONE,
        isRefusal: true,
        retryAfterSeconds: Math.max(1, Math.ceil(left / 1000))
      })
    },
    enter: () => {
      const entered = past.epoch
      past.isProbed = past.openings > 0
      return (fault, deadline) => {
        if (entered === past.epoch) count(past, fault, deadline)
      }
    },
    hasten: () => {
      if (past.openings > 0 && past.reason !== 'throttled') past.until = past.now()
    },
    state: () => stateOf(past)
  }
}
