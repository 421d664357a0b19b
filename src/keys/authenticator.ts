/**
 * From the text of an API key to a principal, fast: a key that was opened once is known by its text until it leaves the
 * cache. That is sound because only one spelling of a key is accepted; what can change (time, revocation, key ring) is
 * checked on every request all the same.
 */
import { LRUCache } from 'lru-cache'
import type { Environment, Principal } from '../core/principal.ts'
import { ProblemError } from '../core/problem.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { checkPlatform, isInForce, openApiKey } from './api-key.ts'
import type { Revocations } from './revocations.ts'

/** A key that was opened, or not, and is refused; the caller sees one answer, the record says why and whose key it was. */
export class RefusedKey extends ProblemError {
  readonly principal: Principal | undefined

  constructor(reason: string, principal: Principal | undefined) {
    super('invalid_api_key', {}, reason)
    this.principal = principal
  }
}

export interface AuthenticatorOptions {
  readonly environment: Environment
  readonly platformVersion: string
  readonly revocations: Revocations
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface Authenticator {
  /**
   * The key's principal: at once if the key is known, else a promise. Throws or rejects with `invalid_api_key` or
   * `version_too_old`.
   */
  readonly authenticate: (keyring: Keyring, apiKey: string) => Principal | Promise<Principal>
  /** Whether the key would still be accepted; for what goes on after the request that it was opened for. */
  readonly isAccepted: (keyring: Keyring, principal: Principal) => boolean
}

const KNOWN_KEYS = 10_000

export const createAuthenticator = (options: AuthenticatorOptions): Authenticator => {
  const { environment, platformVersion, revocations, now } = options
  const known = new LRUCache<string, Principal>({ max: KNOWN_KEYS })

  const refusalOf = (principal: Principal | undefined): string | undefined => {
    if (principal === undefined) return 'unreadable'
    if (principal.environment !== environment) return 'environment'
    if (!isInForce(principal, now())) return 'not_in_force'
    return revocations.isRevoked(principal.keyId) ? 'revoked' : undefined
  }

  const admit = (principal: Principal | undefined): Principal => {
    const refusal = refusalOf(principal)
    if (refusal !== undefined || principal === undefined) {
      throw new RefusedKey(refusal ?? 'unreadable', principal)
    }
    return principal
  }

  return {
    isAccepted: (keyring, principal) =>
      keyring.find(principal.kid) !== undefined && refusalOf(principal) === undefined,

    authenticate: (keyring, apiKey) => {
      const principal = known.get(apiKey)
      // A key ring that lost the principal's encryption key (a reload) ends the key at once.
      if (principal !== undefined && keyring.find(principal.kid) !== undefined) {
        return admit(principal)
      }
      known.delete(apiKey)
      return openApiKey(keyring, apiKey).then((opened) => {
        const admitted = admit(opened)
        checkPlatform(admitted, platformVersion)
        known.set(apiKey, admitted)
        return admitted
      })
    }
  }
}
