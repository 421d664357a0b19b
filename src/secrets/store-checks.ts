/**
 * How each store answered last, to a check or to a read, so that an outage is known from the first read that meets it.
 * Rule: a failed read counts only if the store did not answer; a refusal of one read says nothing of the store.
 */
import { type FaultReason, isTransient, ProviderFault } from '../core/fault.ts'
import type { Log } from '../kinds/provider.ts'
import { troubleOfFault } from './store-trouble.ts'

export interface StoreCheck {
  readonly ok: boolean
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Why the store is failing. */
  readonly reason?: FaultReason
}

export interface StoreChecks {
  readonly get: (store: string) => StoreCheck | undefined
  readonly checked: (store: string, error?: unknown) => void
  /** How a read of the store ended. */
  readonly read: (store: string, fault: ProviderFault | undefined) => void
}

/** Transient, but not throttled: a store that throttles us answers. */
const isSilence = (fault: ProviderFault): boolean =>
  isTransient(fault) && fault.reason !== 'throttled'

export const createStoreChecks = ({
  log,
  now
}: {
  readonly log: Log
  readonly now: () => number
}): StoreChecks => {
  const last = new Map<string, StoreCheck>()
  /** Stores that count as failing because of a read: the next read that succeeds ends that. */
  const byRead = new Set<string>()
  const isFailing = (store: string): boolean => last.get(store)?.ok === false

  const passed = (store: string): void => {
    if (isFailing(store)) log('info', 'the store answers again', { store })
    byRead.delete(store)
    last.set(store, { ok: true, at: now() })
  }
  const failed = (store: string, error: unknown): void => {
    const fault = error instanceof ProviderFault ? error : new ProviderFault('unavailable')
    const { reason, code, status } = fault
    const former = last.get(store)?.reason
    if (former === undefined || troubleOfFault(former) !== troubleOfFault(reason)) {
      log('warn', 'the store does not answer as it should', {
        store,
        reason,
        ...(code !== undefined && { code }),
        ...(status !== undefined && { status })
      })
    }
    last.set(store, { ok: false, at: now(), reason })
  }

  return {
    get: (store) => last.get(store),
    checked: (store, error) => (error === undefined ? passed(store) : failed(store, error)),
    read: (store, fault) => {
      if (fault === undefined) {
        if (byRead.has(store)) passed(store)
      } else if (isSilence(fault)) {
        if (!isFailing(store)) byRead.add(store)
        failed(store, fault)
      }
    }
  }
}
