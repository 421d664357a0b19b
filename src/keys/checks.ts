/**
 * What a key has to pass, as a table: authentication runs it, and an explanation walks it. Rule: whatever can change
 * between two requests is checked at each of them.
 */
import isGreater from 'semver/functions/gt.js'
import type { Environment, Principal } from '../core/principal.ts'
import type { Reason } from '../core/reason.ts'
import { mayComeFrom } from './caller-network.ts'
import { isKeyRevoked, type Revocations } from './revocations.ts'

/** How far in the future a key may have been issued, for clocks that differ; seconds. */
const CLOCK_SKEW = 60

/** Whether the key may be used at this moment; `now` in milliseconds. */
export const isWithinLifetime = (principal: Principal, now: number): boolean => {
  const seconds = now / 1000
  return (
    principal.issuedAt <= seconds + CLOCK_SKEW &&
    (principal.expiresAt === undefined || seconds < principal.expiresAt)
  )
}

/** Whether the platform is as new as the key asks for. */
const isNewEnough = (principal: Principal, platformVersion: string): boolean =>
  !isGreater(principal.minimumVersion, platformVersion)

export interface Circumstances {
  readonly environment: Environment
  readonly platformVersion: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly isRevoked: Revocations['isRevoked']
}

/** The caller's; undefined where nobody told it. */
export type Address = string | undefined

export interface KeyCheck {
  readonly check: string
  /** For the record; absent where the caller is told by a code of its own. */
  readonly reason?: Reason
  /** What an administrator is told who asks why. */
  readonly holds: string
  readonly fails: string
  readonly isMet: (principal: Principal, circumstances: Circumstances, address: Address) => boolean
}

/** A key as the checks see it: what it says if it can be opened, and which of them refuses it. */
export interface ExaminedKey {
  readonly principal?: Principal | undefined
  readonly refusal?: KeyCheck | undefined
  /** From where it is assumed to be used. */
  readonly address?: Address
}

const OPENED: KeyCheck = {
  check: 'key',
  reason: 'unreadable',
  holds: 'it can be opened',
  fails: 'it cannot be opened with any encryption key',
  // What cannot be opened has no principal.
  isMet: () => true
}

/** Where an explanation does not say from where the key is used, it leaves this one open. */
export const NETWORK: KeyCheck = {
  check: 'network',
  reason: 'other_network',
  holds: 'it may be used from there',
  fails: 'it may not be used from there',
  isMet: (principal, _circumstances, address) => mayComeFrom(principal, address)
}

/** What can change between two requests of a key. */
export const EACH_TIME: readonly KeyCheck[] = [
  {
    check: 'environment',
    reason: 'environment',
    holds: 'it is for this one',
    fails: 'it is for another one',
    isMet: (principal, { environment }) => principal.environment === environment
  },
  {
    check: 'time',
    reason: 'not_in_force',
    holds: 'it is in force',
    fails: 'it is expired, or issued in the future',
    isMet: (principal, { now }) => isWithinLifetime(principal, now())
  },
  {
    check: 'revocation',
    reason: 'revoked',
    holds: 'it is not revoked',
    fails: 'it is revoked',
    isMet: (principal, { isRevoked }) => !isKeyRevoked(isRevoked, principal)
  },
  NETWORK
]

export const PLATFORM: KeyCheck = {
  check: 'version',
  holds: 'the platform is new enough',
  fails: 'it asks for a newer platform',
  isMet: (principal, { platformVersion }) => isNewEnough(principal, platformVersion)
}

/** All that a key has to pass, in this order. */
export const KEY_CHECKS: readonly KeyCheck[] = [OPENED, ...EACH_TIME, PLATFORM]

/** The first check that is not met. */
export const failedCheck = (
  principal: Principal | undefined,
  checks: readonly KeyCheck[],
  circumstances: Circumstances,
  address: Address
): KeyCheck | undefined => {
  if (principal === undefined) return OPENED
  for (const check of checks) if (!check.isMet(principal, circumstances, address)) return check
  return undefined
}
