/**
 * The API key that `purser run` asks with: from a file that somebody else keeps, or by a login. Rule: a login is renewed
 * before it ends, and a service that is away is asked again, ever more seldom; a key is held here and handed to nobody.
 */
import type { Sensitive } from '../../core/secret.ts'
import { backOffMs, type Clock } from './clock.ts'
import { Unread } from './unread.ts'

export interface Session {
  /** Rejects with `Unread` where there is none. */
  readonly key: () => Promise<Sensitive<string>>
  /** The service did not accept this one. */
  readonly refused: (key: Sensitive<string>) => void
  /** Renews until the signal says that nobody needs the key any more. */
  readonly keep: (signal: AbortSignal) => Promise<void>
}

/** What stands in the file now: it may be renewed by others at any time. */
export const sessionByFile = (read: () => Promise<Sensitive<string>>): Session => ({
  key: read,
  refused: () => {},
  keep: () => Promise.resolve()
})

export interface Login {
  readonly key: Sensitive<string>
  readonly lifeMs: number
}

interface Held {
  readonly key: Sensitive<string>
  readonly since: number
  readonly lifeMs: number
}

/** Of its life, when a key is renewed. */
const RENEWED_AT = 0.6
const SPREAD = 0.2
/** A key that ends so soon is not used any more. */
const MARGIN_MS = 2_000

export interface LoginOptions {
  /** Rejects with `Unread`. */
  readonly login: () => Promise<Login>
  readonly clock: Clock
  readonly tell: (line: string) => void
}

export const sessionByLogin = ({ login, clock, tell }: LoginOptions): Session => {
  let held: Held | undefined
  let underWay: Promise<Held> | undefined
  const renew = (): Promise<Held> => {
    underWay ??= login()
      .then(({ key, lifeMs }) => {
        held = { key, lifeMs, since: clock.now() }
        return held
      })
      .finally(() => {
        underWay = undefined
      })
    return underWay
  }
  const isGood = ({ since, lifeMs }: Held): boolean => clock.now() < since + lifeMs - MARGIN_MS
  const dueMs = (one: Held): number =>
    one.since + one.lifeMs * (RENEWED_AT + clock.random() * SPREAD) - clock.now()

  return {
    key: async () => (held !== undefined && isGood(held) ? held : await renew()).key,
    refused: (key) => {
      if (held?.key === key) held = undefined
    },
    keep: async (signal) => {
      let failures = 0
      while (!signal.aborted) {
        const due = held === undefined ? 0 : dueMs(held)
        await clock.wait(failures > 0 ? backOffMs(failures, clock) : Math.max(1_000, due), signal)
        if (signal.aborted) return
        try {
          await renew()
          failures = 0
        } catch (error) {
          if (!(error instanceof Unread)) throw error
          failures++
          if (failures === 1) tell(`The key could not be renewed yet: ${error.message}`)
        }
      }
    }
  }
}
