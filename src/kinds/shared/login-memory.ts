/**
 * What is remembered of logins that a store refused. Rule: a credential that was refused is shown again only after a wait
 * that grows, by one of all replicas and stores that have the very same one; another credential, or the same one mended, is
 * tried at once; and what stands in `Shared` tells nothing of either.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type FaultReason, ProviderFault } from '../../core/fault.ts'
import type { Sealer } from '../../crypto/sealer.ts'
import { SHARED_KEYS } from '../../state/namespaces.ts'
import type { CallOptions, Log } from '../provider.ts'
import type { LoginShared } from './login-board.ts'

export interface LoginState {
  readonly state: 'accepted' | 'refused'
  /** Milliseconds since the epoch. */
  readonly since: number
  /** Of a refusal: when the same credential is tried again, how often it was, and with what outcome. */
  readonly nextTry?: number
  readonly attempts?: number
  readonly reason?: FaultReason
  readonly code?: string
}

export interface LoginMemory {
  /**
   * A name for the credential, which nobody without our keys can make or guess by trying. Nothing but empty texts stand for a
   * login that shows no secret of ours, such as that of the machine.
   */
  readonly nameOf: (credential: readonly string[]) => string
  /**
   * Before a login: waits for a replica that tries the same credential, and throws ProviderFault `login_refused` while it is
   * not to be tried. What it resolves with is to be called once the login has ended.
   */
  readonly enter: (name: string, options: CallOptions) => Promise<() => void>
  /** The store took it. */
  readonly accept: (name: string) => void
  /** The store answered it with this fault. The fault as it is to be told; remembered where it is a refusal. */
  readonly refuse: (name: string, fault: ProviderFault) => Promise<ProviderFault>
  /** How the last login ended; undefined before the first. */
  readonly state: () => LoginState | undefined
  /** Whatever was refused may be tried at once: the operator says that something has changed. */
  readonly forget: () => void
  /** How often that was said: what was kept of a failure before is not to be believed. */
  readonly forgotten: () => number
}

export interface LoginMemoryOptions {
  /** For log lines. */
  readonly store: string
  /** Whom it logs in as, and where, by which others who show the same secret are told apart; stores may share an account. */
  readonly place: string
  /** Undefined: nobody else shows its credential. */
  readonly shared: LoginShared | undefined
  readonly fingerprint: (words: readonly string[]) => string
  readonly sealer: () => Pick<Sealer, 'seal' | 'open'>
  readonly log: Log
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** From 0 to 1. */
  readonly random?: () => number
}

interface Refusal {
  readonly attempts: number
  readonly since: number
  readonly until: number
  readonly reason: FaultReason
  readonly code?: string | undefined
  readonly status?: number | undefined
}

export const LOGIN_REFUSED = 'login_refused'

/**
 * Vault and OpenBao lock an account after five failures, of which none is a quarter of an hour later than the last one:
 * at half a minute, three minutes and a quarter of an hour there are four, and then one each sixteen minutes.
 * https://developer.hashicorp.com/vault/docs/concepts/user-lockout
 */
const WAITS_MS = [30_000, 150_000, 750_000, 960_000] as const
/** Of a login that shows nothing, as a machine's own: nobody can see that it was mended, and no account is locked. */
const SECRETLESS_WAIT_MS = WAITS_MS[0]
/** How long it is remembered that a credential was refused, after it might have been tried again. */
const KEEP_MS = 3_600_000
/** Longer than a login may take. */
const LEASE_MS = 12_000
const BUDGET_MS = 50
const PATIENCE_MS = 3_000
const LOOK_MS = 50
const MOST_REMEMBERED = 16

/** The store has judged what it was shown. Anything else may pass, or be no word about a credential. */
const isVerdict = ({ reason, status }: ProviderFault): boolean =>
  reason === 'denied' || (reason === 'misconfigured' && status !== undefined)

const remembered = ({ reason, status }: Refusal): ProviderFault =>
  new ProviderFault(reason, { code: LOGIN_REFUSED, status, isRefusal: true })

export const createLoginMemory = (options: LoginMemoryOptions): LoginMemory => {
  const { store, place, shared, fingerprint, sealer, log, now, random = Math.random } = options
  const refusals = new Map<string, Refusal>()
  /** Those that stand in `Shared`, as far as we know: that one is gone there means that it is over. */
  const told = new Set<string>()
  /** Names of logins that show nothing: one for each encryption key that was active. */
  const secretless = new Set<string>()
  let last: LoginState | undefined
  let forgotten = 0

  const keyOf = (name: string) => `${SHARED_KEYS.login.prefix}{${name}}:refused`
  const leaseOf = (name: string) => `${SHARED_KEYS.login.prefix}{${name}}:lease`
  const contextOf = (name: string) => ['refused login', name]

  const remember = (name: string, refusal: Refusal): void => {
    refusals.delete(name)
    refusals.set(name, refusal)
    for (const oldest of refusals.keys()) {
      if (refusals.size <= MOST_REMEMBERED) break
      refusals.delete(oldest)
    }
    const { attempts, since, until, reason, code } = refusal
    last = {
      state: 'refused',
      since,
      nextTry: until,
      attempts,
      reason,
      ...(code !== undefined && { code })
    }
  }

  /** What the replicas know; undefined where there is nothing to be had from them. */
  const look = async (name: string): Promise<Refusal | 'none' | undefined> => {
    if (shared?.isUp() !== true) return undefined
    try {
      const [envelope] = await shared.getMany([keyOf(name)], BUDGET_MS)
      const text = envelope && sealer().open('cache', envelope, contextOf(name))?.toString()
      return text === undefined ? 'none' : JSON.parse(text)
    } catch {
      return undefined
    }
  }

  const tell = async (name: string, refusal: Refusal): Promise<void> => {
    if (shared === undefined) return
    const envelope = sealer().seal('cache', Buffer.from(JSON.stringify(refusal)), contextOf(name))
    try {
      await shared.put(keyOf(name), envelope, refusal.until - now() + KEEP_MS)
      told.add(name)
    } catch {
      // Each replica finds out by itself, then.
    }
  }

  const isInForce = ({ until }: Refusal): boolean =>
    // A clock that was set back does not make it longer.
    now() < until && until - now() < 2 * WAITS_MS[3]

  /** Takes over what the replicas know, and throws what is in force. */
  const assertMayTry = async (name: string): Promise<void> => {
    const theirs = await look(name)
    const ours = refusals.get(name)
    if (typeof theirs === 'object') {
      told.add(name)
      if (theirs.until > (ours?.until ?? 0)) remember(name, theirs)
    } else if (theirs === 'none' && ours !== undefined && told.delete(name)) refusals.delete(name)
    const refusal = refusals.get(name)
    if (refusal !== undefined && isInForce(refusal)) throw remembered(refusal)
  }

  /** The owner of the lease; undefined where there is none to be had, and the login is tried all the same. */
  const lease = async (name: string, { signal }: CallOptions): Promise<string | undefined> => {
    if (shared?.isUp() !== true) return undefined
    const owner = randomUUID()
    const giveUpAt = performance.now() + PATIENCE_MS
    while (!signal.aborted && performance.now() < giveUpAt) {
      try {
        if (await shared.acquire(leaseOf(name), owner, LEASE_MS, BUDGET_MS)) return owner
      } catch {
        return undefined
      }
      await sleep(LOOK_MS * (0.5 + random()))
    }
    return undefined
  }

  const refuse = async (name: string, fault: ProviderFault): Promise<ProviderFault> => {
    if (!isVerdict(fault)) return fault
    const { reason, code, status } = fault
    const before = refusals.get(name)
    const attempts = (before?.attempts ?? 0) + 1
    const growing = WAITS_MS[Math.min(attempts, WAITS_MS.length) - 1] ?? WAITS_MS[3]
    const waitMs = secretless.has(name) ? SECRETLESS_WAIT_MS : growing
    // Never shorter: it is not to come too soon.
    const until = Math.ceil(now() + waitMs * (1 + random() / 10))
    const refusal = { attempts, since: before?.since ?? now(), until, reason, code, status }
    remember(name, refusal)
    const seconds = Math.ceil((until - now()) / 1000)
    log('warn', 'the store refuses our login', {
      store,
      reason,
      attempts,
      seconds,
      ...(code !== undefined && { code }),
      ...(status !== undefined && { status })
    })
    await tell(name, refusal)
    return new ProviderFault(reason, { code, status, isRefusal: true })
  }

  const accept = (name: string): void => {
    if (last?.state !== 'accepted') last = { state: 'accepted', since: now() }
    if (!refusals.delete(name)) return
    log('info', 'the store takes our login again', { store })
    told.delete(name)
    shared?.remove(keyOf(name)).catch(() => {})
  }

  return {
    nameOf: (credential) => {
      const name = fingerprint(['login', place, ...credential])
      if (credential.length > 0 && credential.every((secret) => secret === '')) secretless.add(name)
      return name
    },
    enter: async (name, options) => {
      // Also of one that was taken before: it may have been changed, and all who hold a token of it log in anew at one time.
      await assertMayTry(name)
      const owner = await lease(name, options)
      if (owner === undefined) return () => {}
      const leave = () => void shared?.release(leaseOf(name), owner).catch(() => {})
      try {
        // Whoever held the lease before us may have been refused.
        await assertMayTry(name)
      } catch (refusal) {
        leave()
        throw refusal
      }
      return leave
    },
    accept,
    refuse,
    state: () => last,
    forgotten: () => forgotten,
    forget: () => {
      forgotten++
      for (const name of refusals.keys()) shared?.remove(keyOf(name)).catch(() => {})
      refusals.clear()
      told.clear()
    }
  }
}
