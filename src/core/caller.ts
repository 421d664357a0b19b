/** On whose behalf something is done, and through which door the request for it came. */
import type { Mode } from './principal.ts'

/** Which door a request came through. */
export interface Door {
  /** The route's template, never the URL. */
  readonly route: string
  readonly requestId: string
  readonly address: string
  /** When the request came, as `performance.now()` counts; absent where nobody waits for the answer. */
  readonly since?: number | undefined
}

export interface Caller extends Door {
  readonly client: string
  readonly mode: Mode
  readonly keyId?: string
  readonly kid?: string
}
