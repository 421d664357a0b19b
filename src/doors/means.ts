/**
 * What every door of another dialect is given. Rule: a door has no other way to a secret than the broker, and none at all
 * to a store, to policy or to what is configured.
 */
import type { Target } from '../config/door-entries.ts'
import type { Keyring } from '../crypto/keyring.ts'
import type { Listener } from '../http/door.ts'
import type { HealthRoutesOptions } from '../http/routes/health.ts'
import type { KeyCare } from '../keys/care.ts'
import type { Login } from '../keys/login.ts'
import type { Broker } from '../secrets/broker.ts'

export interface DoorMeans {
  /** Undefined: the public listener. */
  readonly listener: Listener | undefined
  readonly broker: Broker
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** For ids that tell nothing of what they name. */
  readonly keyring: () => Keyring
  /** Whether a rule lets the client read anything of where the target leads; undefined leads nowhere. */
  readonly mayKnow: (client: string, target: Target | undefined) => boolean
  /** Under which field a store keeps a text that is no object; undefined where it keeps texts as they are. */
  readonly loneFieldOf: (store: string) => string | undefined
  readonly care: Pick<KeyCare, 'revoke'>
  readonly login: Login
  readonly health: HealthRoutesOptions
}
