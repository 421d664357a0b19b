/**
 * From the text of an API key to a principal, fast: a key that was opened once is known by its text until it leaves the
 * cache. That is sound because only one spelling of a key is accepted; what can change (time, revocation, key ring) is
 * checked on every request all the same.
 */
import { LRUCache } from 'lru-cache'
import type { Environment, Principal } from '../core/principal.ts'
import { ProblemError } from '../core/problem.ts'
import type { Reason } from '../core/reason.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { openApiKey } from './api-key.ts'
import {
  type Address,
  type Circumstances,
  EACH_TIME,
  type ExaminedKey,
  failedCheck,
  KEY_CHECKS,
  type KeyCheck,
  NETWORK,
  PLATFORM
} from './checks.ts'
import type { Revocations } from './revocations.ts'
import { NOTED_EVERY_MS } from './usage.ts'

/**
 * A key that is refused, whether it could be opened or not. The caller sees one answer; the record says why, and whose
 * key it was.
 */
export class RefusedKey extends ProblemError {
  readonly principal: Principal | undefined

  constructor(reason: Reason | undefined, principal: Principal | undefined) {
    super('invalid_api_key', {}, reason)
    this.principal = principal
  }
}

/**
 * The key's principal, or `invalid_api_key` or `version_too_old`: given back rather than thrown, since anybody can make
 * it come as often as he likes.
 */
export type Admitted = Principal | ProblemError

export interface AuthenticatorOptions {
  readonly keyring: () => Keyring
  readonly environment: Environment
  readonly platformVersion: string
  readonly revocations: Revocations
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Called when a key is admitted, but at most once a minute for each that is known. */
  readonly noteUse?: (principal: Principal, at: number) => void
}

export interface Authenticator {
  /** At once if the key is known, else a promise. */
  readonly authenticate: (apiKey: string, address: Address) => Admitted | Promise<Admitted>
  /**
   * What a key says, and which check refuses it; does not count as a use of it. Without an address it is not asked from
   * where the key may be used.
   */
  readonly examine: (apiKey: string, address: Address) => Promise<ExaminedKey>
  /** Whether the key would still be accepted; for what goes on after the request that it was opened for. */
  readonly isAccepted: (principal: Principal, address: Address) => boolean
  /**
   * Which check refuses a key that was opened before, maybe by another process; undefined: it is accepted. It is no use
   * of the key.
   */
  readonly refusalOf: (principal: Principal, address: Address) => KeyCheck | undefined
}

const admit = (
  principal: Principal | undefined,
  checks: readonly KeyCheck[],
  circumstances: Circumstances,
  address: Address
): Admitted => {
  const refusal = failedCheck(principal, checks, circumstances, address)
  if (refusal === PLATFORM) return new ProblemError('version_too_old')
  return refusal !== undefined || principal === undefined
    ? new RefusedKey(refusal?.reason, principal)
    : principal
}

const ANYWHERE = KEY_CHECKS.filter((check) => check !== NETWORK)

const KNOWN_KEYS = 10_000

interface KnownKey {
  readonly principal: Principal
  /** When its use was noted last; milliseconds since the epoch. */
  notedAt: number
}

export const createAuthenticator = (options: AuthenticatorOptions): Authenticator => {
  const { keyring, environment, platformVersion, revocations, now, noteUse = () => {} } = options
  const known = new LRUCache<string, KnownKey>({ max: KNOWN_KEYS })

  const circumstances: Circumstances = {
    environment,
    platformVersion,
    now,
    isRevoked: revocations.isRevoked
  }

  const admitKnown = (apiKey: string, key: KnownKey, address: Address): Admitted => {
    const admitted = admit(key.principal, EACH_TIME, circumstances, address)
    if (admitted instanceof ProblemError) {
      // From now on its refusal takes as long as that of any other key.
      known.delete(apiKey)
      return admitted
    }
    const time = now()
    // Also when the clock was set back.
    if (Math.abs(time - key.notedAt) >= NOTED_EVERY_MS) {
      key.notedAt = time
      noteUse(admitted, time)
    }
    return admitted
  }

  return {
    examine: async (apiKey, address) => {
      const principal = await openApiKey(keyring(), apiKey)
      const checks = address === undefined ? ANYWHERE : KEY_CHECKS
      const refusal = failedCheck(principal, checks, circumstances, address)
      return { principal, refusal, address }
    },

    refusalOf: (principal, address) =>
      failedCheck(
        keyring().find(principal.kid) === undefined ? undefined : principal,
        KEY_CHECKS,
        circumstances,
        address
      ),

    isAccepted: (principal, address) =>
      keyring().find(principal.kid) !== undefined &&
      failedCheck(principal, EACH_TIME, circumstances, address) === undefined,

    authenticate: (apiKey, address) => {
      const ring = keyring()
      const key = known.get(apiKey)
      // A key ring that lost the key's encryption key (a reload) ends the key at once.
      if (key !== undefined && ring.find(key.principal.kid) !== undefined)
        return admitKnown(apiKey, key, address)
      known.delete(apiKey)
      return openApiKey(ring, apiKey).then((opened) => {
        const admitted = admit(opened, KEY_CHECKS, circumstances, address)
        if (admitted instanceof ProblemError) return admitted
        const notedAt = now()
        known.set(apiKey, { principal: admitted, notedAt })
        noteUse(admitted, notedAt)
        return admitted
      })
    }
  }
}
