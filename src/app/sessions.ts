/** Administrators' sessions: what opens and reads them, and how they stand in a cookie. */
import { createCookie } from '../http/session-cookie.ts'
import type { SessionGate } from '../http/session-gate.ts'
import { createSessions } from '../keys/sessions.ts'
import type { Ground } from './ground.ts'
import type { Keys } from './keys.ts'

const COOKIE = 'purser-session'

export type SignIns = ReturnType<typeof createSignIns>

export const createSignIns = (
  { settings, live, now }: Ground,
  { authenticator, revocations }: Pick<Keys, 'authenticator' | 'revocations'>
) => {
  const { AUTH_COOKIE_SECURE: secure, AUTH_COOKIE_SAMESITE: sameSite } = settings
  const sessions = createSessions({
    signer: () => live().sessionSigner,
    refusalOf: authenticator.refusalOf,
    revocations,
    now
  })
  const gate: SessionGate = {
    sessions,
    cookie: createCookie(COOKIE, { secure, sameSite }),
    origins: { secure },
    now
  }
  return { sessions, gate }
}
