/**
 * Why a store is not well, in one word of a closed set. Rule: it names a class and nothing of the peer, since readiness
 * tells it to whoever asks.
 */
import type { FaultReason } from '../core/fault.ts'
import type { GuardState } from './guard.ts'
import type { StoreCheck } from './store-checks.ts'

export const TROUBLES = [
  'unreachable',
  'denied',
  'misconfigured',
  'invalid_answer',
  'throttled',
  /** It was left alone after faults, and its check has not failed. */
  'breaker_open'
] as const
export type Trouble = (typeof TROUBLES)[number]

const OF_FAULT: Readonly<Record<FaultReason, Trouble>> = {
  unavailable: 'unreachable',
  timeout: 'unreachable',
  denied: 'denied',
  misconfigured: 'misconfigured',
  not_found: 'misconfigured',
  invalid_answer: 'invalid_answer',
  throttled: 'throttled',
  conflict: 'invalid_answer',
  invalid_request: 'invalid_answer'
}

export const troubleOfFault = (reason: FaultReason): Trouble => OF_FAULT[reason]

/** `last`: how the store answered last; undefined: it was not heard of yet. */
export const troubleOf = (
  last: StoreCheck | undefined,
  { read, list, write }: GuardState
): Trouble | undefined => {
  if (last?.ok === false) return troubleOfFault(last.reason ?? 'unavailable')
  const open = [read, list, write].find(({ state }) => state === 'open')
  if (open === undefined) return undefined
  return open.reason === 'throttled' ? 'throttled' : 'breaker_open'
}
