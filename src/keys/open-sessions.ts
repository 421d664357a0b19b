/**
 * The sessions that are open, by their register. Rule: one that does not count is not listed, whatever the register says, and
 * goes from it; how many there are is bounded.
 */
import { ProblemError } from '../core/problem.ts'
import type { Address } from './checks.ts'
import { SESSIONS_MAX, SESSIONS_OF_USER_MAX } from './lifetime.ts'
import { isOfSameUser, type Session } from './session.ts'
import type { SessionRegister } from './session-register.ts'

/** One that counts. Its token for pages is none. */
export interface ListedSession {
  readonly session: Session
  /** From where its last act came. */
  readonly address: Address
}

interface Listing {
  readonly register: Pick<SessionRegister, 'list' | 'drop'>
  /** By the claims of a session: the session, or why it does not count. */
  readonly judge: (claims: unknown, isExpired: boolean, address: Address) => Session | ProblemError
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** The newest first. Rejects where the register cannot be read. */
export const listOpen = async ({
  register,
  judge,
  now
}: Listing): Promise<readonly ListedSession[]> => {
  const found: ListedSession[] = []
  for await (const { name, claims, address, endsAtLatest } of register.list()) {
    const session = judge(claims, false, address)
    if (!(session instanceof ProblemError)) found.push({ session, address })
    // What another version or another encryption key has written may count elsewhere.
    else if (session.code === 'session_expired' || now() >= endsAtLatest * 1000) {
      await register.drop(name)
    }
  }
  return found.sort((a, b) => b.session.signedInAt - a.session.signedInAt)
}

/** The oldest of whom there are too many, of the same user or in all; `open` has the newest first. */
export const displacedBy = (
  opened: Session,
  open: readonly ListedSession[]
): readonly Session[] => {
  const others = open.map(({ session }) => session).filter(({ id }) => id !== opened.id)
  const own = others.filter((other) => isOfSameUser(other, opened))
  return [...new Set([...own.slice(SESSIONS_OF_USER_MAX - 1), ...others.slice(SESSIONS_MAX - 1)])]
}
