/**
 * Remembers logins that a store refused. Rule: a refused credential is tried again only after a growing wait, and by
 * just one of all replicas and stores that have the same one; another credential is tried at once; and entries in
 * `Shared` tell nothing of credential or store.
 */
import { type FaultReason, ProviderFault } from '../../core/fault.ts'
import type { Sealer } from '../../crypto/sealer.ts'
import type { CallOptions, Log } from '../provider.ts'
import { createRefusals, type LoginShared, type Refusal } from './login-board.ts'

export interface LoginState {
  readonly state: 'accepted' | 'refused'
  /** Milliseconds since the epoch. */
  readonly since: number
  /** After a refusal: when the same credential is tried again, how often it was tried, and with what outcome. */
  readonly nextTry?: number
  readonly attempts?: number
  readonly reason?: FaultReason
  readonly code?: string
}

export interface LoginMemory {
  /**
   * A name for the credential, which nobody without our keys can compute or guess. A login without a secret of ours,
   * such as the machine's own, has only empty texts.
   */
  readonly nameOf: (credential: readonly string[]) => string
  /**
   * Before a login: waits for a replica that tries the same credential, and throws ProviderFault `login_refused` while
   * it is not to be tried. What it resolves with is to be called once the login has ended.
   */
  readonly enter: (name: string, options: CallOptions) => Promise<() => void>
  /** The store accepted the credential. */
  readonly accept: (name: string) => void
  /**
   * The store answered the login with this fault, which is remembered if it is a refusal. Resolves with the fault to be
   * reported.
   */
  readonly refuse: (name: string, fault: ProviderFault) => Promise<ProviderFault>
  /** How the last login ended; undefined before the first. */
  readonly state: () => LoginState | undefined
  /** All refused credentials may be tried at once, since the operator has changed something. */
  readonly forget: () => void
  /** How often `forget` was called: failures that were remembered before it do not count. */
  readonly forgotten: () => number
}

export interface LoginMemoryOptions {
  /** For log lines. */
  readonly store: string
  /**
   * The account and the place of the login, which tell apart stores that use the same secret; stores may share an
   * account.
   */
  readonly place: string
  /** Undefined: nobody else uses the credential. */
  readonly shared: LoginShared | undefined
  readonly fingerprint: (words: readonly string[]) => string
  readonly sealer: () => Pick<Sealer, 'seal' | 'open'>
  readonly log: Log
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** From 0 to 1. */
  readonly random?: () => number
}

export const LOGIN_REFUSED = 'login_refused'

/**
 * Vault and OpenBao lock an account after five failures, of which none is a quarter of an hour later than the last one:
 * at half a minute, three minutes and a quarter of an hour there are four, and then one each sixteen minutes.
 * https://developer.hashicorp.com/vault/docs/concepts/user-lockout
 */
const WAITS_MS = [30_000, 150_000, 750_000, 960_000] as const
/**
 * For a login without a secret, such as a machine's own: nobody can see when it was mended, and no account is locked.
 */
const SECRETLESS_WAIT_MS = WAITS_MS[0]
const MOST_REMEMBERED = 16

/**
 * Whether the fault is the store's verdict on the credential. Any other fault may pass, or is not about the credential.
 */
const isVerdict = ({ reason, status }: ProviderFault): boolean =>
  reason === 'denied' || (reason === 'misconfigured' && status !== undefined)

const remembered = ({ reason, status }: Refusal): ProviderFault =>
  new ProviderFault(reason, { code: LOGIN_REFUSED, status, isRefusal: true })

interface Memory extends LoginMemoryOptions {
  readonly random: () => number
  readonly refusals: Map<string, Refusal>
  readonly board: ReturnType<typeof createRefusals>
  /** Names of logins without a secret: one for each encryption key that was active. */
  readonly secretless: Set<string>
  last?: LoginState
  forgotten: number
}

const remember = (memory: Memory, name: string, refusal: Refusal): void => {
  const { refusals } = memory
  refusals.delete(name)
  refusals.set(name, refusal)
  for (const oldest of refusals.keys()) {
    if (refusals.size <= MOST_REMEMBERED) break
    refusals.delete(oldest)
  }
  const { attempts, since, until: nextTry, reason, code } = refusal
  const known = { since, nextTry, attempts, reason, ...(code !== undefined && { code }) }
  memory.last = { state: 'refused', ...known }
}

/** Takes over what the replicas know, and throws if a refusal is in force. */
const assertMayTry = async (memory: Memory, name: string): Promise<void> => {
  const { board, refusals, now } = memory
  const theirs = await board.find(name)
  if (theirs === 'over') refusals.delete(name)
  else if (theirs !== undefined && theirs.until > (refusals.get(name)?.until ?? 0)) {
    remember(memory, name, theirs)
  }
  const refusal = refusals.get(name)
  // A clock that was set back does not make the wait longer.
  const left = refusal === undefined ? 0 : refusal.until - now()
  if (refusal !== undefined && left > 0 && left < 2 * WAITS_MS[3]) throw remembered(refusal)
}

const enter = async (memory: Memory, name: string, options: CallOptions): Promise<() => void> => {
  // Also for a credential that was accepted before: it may have been changed since, and then all who hold a token of it
  // log in anew at once.
  await assertMayTry(memory, name)
  // Without a turn the login is tried all the same.
  const leave = await memory.board.takeTurn(name, options)
  if (leave === undefined) return () => {}
  try {
    // The replica that had the turn before may have been refused.
    await assertMayTry(memory, name)
  } catch (refusal) {
    leave()
    throw refusal
  }
  return leave
}

const refuse = async (
  memory: Memory,
  name: string,
  fault: ProviderFault
): Promise<ProviderFault> => {
  if (!isVerdict(fault)) return fault
  const { refusals, secretless, board, store, log, now, random } = memory
  const { reason, code, status } = fault
  const before = refusals.get(name)
  const attempts = (before?.attempts ?? 0) + 1
  const growing = WAITS_MS[Math.min(attempts, WAITS_MS.length) - 1] ?? WAITS_MS[3]
  const waitMs = secretless.has(name) ? SECRETLESS_WAIT_MS : growing
  // The wait is made longer at random, never shorter: the next try must not come too soon.
  const until = Math.ceil(now() + waitMs * (1 + random() / 10))
  const refusal = { attempts, since: before?.since ?? now(), until, reason, code, status }
  remember(memory, name, refusal)
  log('warn', 'the store refuses our login', {
    store,
    reason,
    attempts,
    seconds: Math.ceil((until - now()) / 1000),
    ...(code !== undefined && { code }),
    ...(status !== undefined && { status })
  })
  await board.tell(name, refusal, until - now())
  return new ProviderFault(reason, { code, status, isRefusal: true })
}

const accept = (memory: Memory, name: string): void => {
  const { refusals, board, store, log, now, last } = memory
  if (last?.state !== 'accepted') memory.last = { state: 'accepted', since: now() }
  if (!refusals.delete(name)) return
  log('info', 'the store takes our login again', { store })
  board.remove(name)
}

export const createLoginMemory = (options: LoginMemoryOptions): LoginMemory => {
  const { shared, sealer, random = Math.random } = options
  const board = createRefusals(shared, sealer, random)
  const memory: Memory = {
    ...options,
    random,
    board,
    refusals: new Map(),
    secretless: new Set(),
    forgotten: 0
  }
  const { place, fingerprint, refusals, secretless } = memory
  return {
    nameOf: (credential) => {
      const name = fingerprint(['login', place, ...credential])
      if (credential.length > 0 && credential.every((secret) => secret === '')) secretless.add(name)
      return name
    },
    enter: (name, calling) => enter(memory, name, calling),
    accept: (name) => accept(memory, name),
    refuse: (name, fault) => refuse(memory, name, fault),
    state: () => memory.last,
    forgotten: () => memory.forgotten,
    forget: () => {
      memory.forgotten++
      for (const name of refusals.keys()) board.remove(name)
      refusals.clear()
    }
  }
}
