/** Who is asking: what an API key says of its bearer, once it was opened and found valid. */

export const ENVIRONMENTS = ['dev', 'stg', 'pre', 'pro'] as const
export type Environment = (typeof ENVIRONMENTS)[number]

export const MODES = ['r', 'w', 'rw'] as const
export type Mode = (typeof MODES)[number]

export interface Principal {
  /** The key's `jti`. Revocation, limits, last use and audit go by it, never by the key's text. */
  readonly keyId: string
  /** Whom the key was issued to; policies name clients. */
  readonly client: string
  readonly scopes: readonly string[]
  readonly mode: Mode
  readonly environment: Environment
  /** The lowest platform version (semver) with which the key may be used. */
  readonly minimumVersion: string
  /** Seconds since the epoch. */
  readonly issuedAt: number
  /** Seconds since the epoch; absent for a key that does not expire. */
  readonly expiresAt?: number
  /** The keys that it was issued by, or the trust it came from, oldest first; absent where none was. */
  readonly via?: readonly string[]
  /** From where it may be used: addresses, or networks by their prefix; absent where from anywhere. */
  readonly networks?: readonly string[]
  /** The encryption key under which the API key was issued. */
  readonly kid: string
}
