/**
 * The register of the sessions that are open, for all replicas, so that they can be seen and ended. Rule: it finds sessions
 * and never decides whether one counts; what stands in it is sealed, has no token, and lasts no longer than the session.
 */
import { asJson, isObject } from '../core/json.ts'
import type { Sealer } from '../crypto/sealer.ts'
import { isLongOver, type Leftovers } from '../state/leftovers.ts'
import { STATE_SPACES } from '../state/namespaces.ts'
import type { State } from '../state/state.ts'
import type { Address } from './checks.ts'
import { claimsOf, type Session, type SessionClaims } from './session.ts'

export interface RegisteredSession {
  /** Where it stands. */
  readonly name: string
  /** Undefined: nobody here can open it. */
  readonly claims: unknown
  /** From where the last act came. */
  readonly address: Address
  /** When it ends in any case, in seconds since the epoch. */
  readonly endsAtLatest: number
}

type Registered = Pick<Session, 'id' | 'endsAtLatest'>

export interface SessionRegister {
  /** What the session is now. Where it cannot be written, its next renewal writes it. */
  readonly note: (session: Session, address: Address) => Promise<void>
  /** Where that fails, it goes with the next look: it counts no more. */
  readonly forget: (session: Registered) => Promise<void>
  readonly drop: (name: string) => Promise<void>
  /** Rejects where the state cannot be read. */
  readonly list: () => AsyncIterable<RegisteredSession>
}

export interface SessionRegisterOptions {
  readonly state: State
  readonly sealer: () => Sealer
  /** Called for the first of the writes that fail in a row. */
  readonly onFailure: () => void
}

const { prefix: PREFIX } = STATE_SPACES.sessions
const ATTEMPTS = 3
/** In place of the token that a page sends: whoever reads the register has no use for it. */
const NO_TOKEN = 'A'.repeat(22)

/** The end is in the name: of what cannot be opened it is known too. */
const nameOf = ({ id, endsAtLatest }: Registered): string => `${PREFIX}${endsAtLatest}/${id}`

const endIn = (name: string): number => Number(name.slice(PREFIX.length).split('/')[0])

interface Entry {
  readonly claims: SessionClaims
  readonly address?: string
}

const open = (sealer: Sealer, name: string, value: Buffer): Partial<Entry> => {
  const entry = asJson(sealer.open('store', value, [name])?.toString() ?? '')
  return isObject(entry) ? entry : {}
}

/** Whether that is what the session was after it was proven once more: two requests may overtake each other. */
const isLater = ({ claims }: Partial<Entry>, { reauthenticatedAt = 0 }: Session): boolean =>
  (claims?.reauth_time ?? 0) > reauthenticatedAt

/** Of sessions that nobody looked for since they ended. */
export const unseenSessions: Leftovers = {
  name: 'register',
  prefix: PREFIX,
  isOver: ({ key }, now) => isLongOver(endIn(key) * 1000, now)
}

export const createSessionRegister = ({
  state,
  sealer,
  onFailure
}: SessionRegisterOptions): SessionRegister => {
  let isFailing = false

  const write = async (session: Session, address: Address): Promise<void> => {
    const name = nameOf(session)
    const claims = claimsOf({ ...session, csrfToken: NO_TOKEN })
    const entry = JSON.stringify({ claims, ...(address !== undefined && { address }) })
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const former = await state.get(name)
      if (former !== undefined && isLater(open(sealer(), name, former), session)) return
      const next = sealer().seal('store', Buffer.from(entry), [name])
      if (await state.compareAndSet(name, former, next)) return
    }
  }

  const drop = async (name: string): Promise<void> => {
    const former = await state.get(name)
    if (former !== undefined) await state.compareAndSet(name, former, undefined)
  }

  return {
    note: async (session, address) => {
      try {
        await write(session, address)
        isFailing = false
      } catch {
        if (!isFailing) onFailure()
        isFailing = true
      }
    },

    forget: (session) => drop(nameOf(session)).catch(() => {}),

    drop,

    list: async function* () {
      for await (const { key: name, value } of state.list(PREFIX)) {
        const { claims, address } = open(sealer(), name, value)
        yield { name, claims, address, endsAtLatest: endIn(name) }
      }
    }
  }
}
