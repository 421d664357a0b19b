/** The calls of a store, and who is told of them. Rule: a name of an operation is of a closed set. */
import type { FaultReason } from '../core/fault.ts'

/**
 * Each operation has its own breaker: a listing that takes too long, or a throttled write, is no reason not to read.
 */
export const OPERATIONS = ['read', 'list', 'write'] as const
export type StoreOperation = (typeof OPERATIONS)[number]

/** What a peer may be asked; beside the operations what is never refused. */
export type Call = StoreOperation | 'check' | 'review' | 'clock'

/** What a store can do besides being read and checked. */
export interface Powers {
  readonly list?: unknown
  readonly write?: unknown
}

/** Told of the calls of a store, to measure them. Throws nothing. */
export interface CallMeter {
  /** The peer was asked. */
  readonly called: (operation: Call, outcome: 'ok' | FaultReason, durationMs: number) => void
  /** The peer was not asked. */
  readonly refused: (operation: StoreOperation, reason: 'breaker' | 'quota') => void
}

/** Follows a call of the peer to its end; what the call does belongs to it. */
export type Follow = <T>(operation: Call, call: () => Promise<T>) => Promise<T>
