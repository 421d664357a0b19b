/**
 * The public keys of one issuer, kept. Rule: one asks for all who wait; whoever sends tokens, good or bad, decides nothing
 * about how often the issuer is asked; and what was known stays good for a day while the issuer does not answer, and is
 * waited for no more.
 */
import type { IssuerKeys } from '../crypto/workload-token.ts'

export interface IssuerKeysOptions {
  /** Rejects where there are none to be had. */
  readonly load: () => Promise<IssuerKeys>
  /** Told of each time that there were none to be had. */
  readonly onFailure?: (error: unknown) => void
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface HeldKeys {
  /** Keys among which the one of that id is, if the issuer has it. Rejects where there are none to be had. */
  readonly forKey: (kid: string) => Promise<IssuerKeys>
}

/** So long an issuer's keys are used without asking again. */
export const FRESH_MS = 10 * 60_000
/** So long they are used while it does not answer. */
export const KEPT_MS = 24 * 3_600_000
/** Before it is asked again for a key that it did not have. */
export const UNKNOWN_MS = 30_000
const FIRST_WAIT_MS = 1_000
const LONGEST_WAIT_MS = 60_000

interface Known {
  readonly keys: IssuerKeys
  readonly at: number
}

export const holdIssuerKeys = ({
  load,
  onFailure = () => {},
  now
}: IssuerKeysOptions): HeldKeys => {
  let known: Known | undefined
  let underWay: Promise<void> | undefined
  let failures = 0
  let askedAt = Number.NEGATIVE_INFINITY
  let lastError: unknown

  /** Also when the clock was set back. */
  const isWithin = (since: number, ms: number): boolean => Math.abs(now() - since) < ms

  const waitMs = (): number => Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1))

  /** Resolves once it was asked, or at once where it failed just now. */
  const ask = async (): Promise<void> => {
    if (underWay !== undefined) return underWay
    if (failures > 0 && isWithin(askedAt, waitMs())) return
    const asked = async (): Promise<void> => {
      askedAt = now()
      try {
        known = { keys: await load(), at: now() }
        failures = 0
      } catch (error) {
        failures++
        lastError = error
        onFailure(error)
        askedAt = now()
      } finally {
        underWay = undefined
      }
    }
    underWay = asked()
    return underWay
  }

  const isToBeAsked = (kid: string): boolean => {
    if (known === undefined || !isWithin(known.at, FRESH_MS)) return true
    return !known.keys.has(kid) && !isWithin(askedAt, UNKNOWN_MS)
  }

  const isGood = (): boolean => known !== undefined && isWithin(known.at, KEPT_MS)

  return {
    forKey: async (kid) => {
      if (isToBeAsked(kid)) {
        const asked = ask()
        // One that hangs would hold everybody up, and clients wait a second or two for a login.
        const needsAnswer = failures === 0 || !isGood() || known?.keys.has(kid) !== true
        if (needsAnswer) await asked
      }
      if (known === undefined || !isGood()) throw lastError
      return known.keys
    }
  }
}
