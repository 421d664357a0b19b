/**
 * Codes by which `purser quickstart` signs its own user in at the console. Rule: there is one at a time, for a minute, for
 * one use; it is kept as its hash, and a few wrong ones end it.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { Mode } from '../core/principal.ts'
import type { Reason } from '../core/reason.ts'
import { isSameBytes } from '../crypto/same.ts'

/** What a code makes of whoever has it. */
export interface CodeUser {
  readonly client: string
  readonly mode: Mode
  readonly scopes: readonly string[]
}

export interface SignInCodes {
  readonly user: CodeUser
  /** A new one, which ends the one before. */
  readonly issue: () => string
  /** Why it is refused; undefined: it counts, this once. */
  readonly take: (code: string) => Reason | undefined
}

export const CODE_SECONDS = 60
const WRONG_MAX = 5

const hashOf = (code: string): Buffer => createHash('sha256').update(code).digest()

interface Issued {
  readonly hash: Buffer
  readonly at: number
  wrong: number
  isUsed: boolean
}

/** `now`: milliseconds since the epoch. Nothing is awaited between the look and the mark: two at once are one after the other. */
export const createSignInCodes = (user: CodeUser, now: () => number = Date.now): SignInCodes => {
  let last: Issued | undefined
  return {
    user,

    issue: () => {
      const code = randomBytes(32).toString('base64url')
      last = { hash: hashOf(code), at: now(), wrong: 0, isUsed: false }
      return code
    },

    take: (code) => {
      if (last === undefined || last.wrong >= WRONG_MAX) return 'other_code'
      if (!isSameBytes(hashOf(code), last.hash)) {
        last.wrong++
        return 'other_code'
      }
      if (last.isUsed) return 'used'
      // By a clock that was set back it is over too.
      if (Math.abs(now() - last.at) >= CODE_SECONDS * 1000) return 'expired'
      last.isUsed = true
      return undefined
    }
  }
}
