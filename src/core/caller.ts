/** On whose behalf something is done, and by which way the request for it came. */
import type { Mode } from './principal.ts'

/** By which route a request came, from where and when. */
export interface Arrival {
  /** The route's template, never the URL. */
  readonly route: string
  readonly requestId: string
  readonly address: string
  /** When the request came, as `performance.now()` counts; absent where nobody waits for the answer. */
  readonly since?: number | undefined
}

export interface Caller extends Arrival {
  readonly client: string
  readonly mode: Mode
  readonly keyId?: string
  readonly kid?: string
  readonly sessionId?: string
  readonly user?: string
  /** Whom a provider of sign-ins knows. */
  readonly account?: { readonly issuer: string; readonly subject: string }
}
