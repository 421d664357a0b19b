/**
 * Keeps a token usable: a login at the first use, a renewal half way through the token's life, and a new login when the
 * token can be renewed no further or the server disowns it. Rule: at most one new login a read.
 * https://developer.hashicorp.com/vault/docs/concepts/tokens
 */
import { ProviderFault } from '../../core/fault.ts'
import type { Sensitive } from '../../core/secret.ts'
import { every, type Loop } from '../../state/background.ts'
import type { CallOptions, ProviderDeps } from '../provider.ts'
import { isWorthRetrying } from '../shared/fault-of.ts'
import { createLogin, withinLogin } from '../shared/login.ts'
import type { VaultToken } from './answer.ts'

/** The ways to get tokens; each throws ProviderFault. */
export interface Authority {
  /** Every secret that a login shows, as it is now. */
  readonly credential: (options: CallOptions) => Promise<readonly string[]>
  readonly login: (credential: readonly string[], options: CallOptions) => Promise<VaultToken>
  /** The server answers a login. A token of the configuration is shown to it by a call only. */
  readonly isAnswered: boolean
  readonly renew: (token: Sensitive<string>, options: CallOptions) => Promise<VaultToken>
}

export interface UseOptions extends CallOptions {
  /**
   * The call changes something. An unavailable peer may have made the change and lost only its answer: asked again, it
   * would make it twice, or, where it compares versions, take the first for somebody else's and call it a conflict. So
   * the caller is told at once, and looks. A denial is different: what was denied was not done.
   */
  readonly changes?: true
}

export interface Session {
  /**
   * Runs the call with a token, and once more if the peer was unavailable, or if it was `denied` and `isDead` says that
   * this was the token's fault, after a new login. Throws what the call or the login threw.
   */
  readonly use: <T>(
    call: (token: Sensitive<string>) => Promise<T>,
    isDead: (token: Sensitive<string>, denial: ProviderFault) => Promise<boolean>,
    options: UseOptions
  ) => Promise<T>
  /** Ends the renewals and whatever login is under way. The token is not revoked: other replicas may share it. */
  readonly close: () => void
}

interface Life {
  readonly token: Sensitive<string>
  readonly renewable: boolean
  readonly lifeMs: number
  /** Milliseconds since the epoch, as are all times here. */
  readonly expiresAt: number
}

/** setTimeout takes no longer wait than 2^31 - 1 ms; a renewal that comes early does no harm. */
const LONGEST_WAIT_MS = 86_400_000

const lifeOf = ({ token, renewable, ttlSeconds }: VaultToken, now: number): Life => {
  const lifeMs = ttlSeconds === 0 ? Number.POSITIVE_INFINITY : ttlSeconds * 1_000
  return { token, renewable, lifeMs, expiresAt: now + lifeMs }
}

/** The last tenth of a life is left alone: a request under way, and clocks that disagree, need some room. */
const isFresh = ({ lifeMs, expiresAt }: Life, now: number): boolean =>
  lifeMs === Number.POSITIVE_INFINITY || now < expiresAt - lifeMs / 10

/** The life of a token that was renewed. */
const afterRenewal = (old: Life, renewed: VaultToken, now: number): Life => {
  const next = lifeOf({ ...renewed, token: old.token }, now)
  const lived = now - (old.expiresAt - old.lifeMs)
  // A renewal that does not give back the time lived has met the token's maximum: the rest is lived out unrenewed.
  const isExtended = next.expiresAt - old.expiresAt > lived / 2
  return { ...next, renewable: next.renewable && isExtended }
}

/** The life of the one token that is held, prolonged in the background. */
const createRenewal = (
  renew: Authority['renew'],
  { now, log }: Pick<ProviderDeps, 'now' | 'log'>,
  isHeld: (token: Sensitive<string>) => boolean
) => {
  let life: Life | undefined
  let waitMs = 0
  let loop: Loop | undefined
  let isClosed = false

  const isRenewable = (): boolean =>
    life?.renewable === true && waitMs >= 0 && waitMs < Number.POSITIVE_INFINITY
  const isCurrent = (one: Life): boolean => life === one && isHeld(one.token)

  const attempt = async (): Promise<void> => {
    const old = life
    if (old === undefined || !isCurrent(old)) return loop?.close()
    try {
      const renewed = await withinLogin((signal) => renew(old.token, { signal }))
      if (!isCurrent(old)) return
      life = afterRenewal(old, renewed, now())
      waitMs = life.lifeMs / 2
    } catch (error) {
      if (!isCurrent(old)) return
      const reason = error instanceof ProviderFault ? error.reason : 'unavailable'
      log('warn', 'the token could not be renewed', { reason })
      life = { ...old, renewable: reason !== 'denied' && isFresh(old, now()) }
      waitMs = (old.expiresAt - now()) / 2
    }
    if (!isRenewable()) loop?.close()
  }

  return {
    begin: (first: VaultToken): void => {
      loop?.close()
      if (isClosed) return
      life = lifeOf(first, now())
      waitMs = life.lifeMs / 2
      const wait = (): number => Math.min(waitMs, LONGEST_WAIT_MS)
      if (isRenewable()) loop = every('renewal of a token', wait, attempt)
    },
    isFresh: (token: Sensitive<string>): boolean => life?.token === token && isFresh(life, now()),
    close: (): void => {
      isClosed = true
      life = undefined
      loop?.close()
    }
  }
}

export const createSession = (
  authority: Authority,
  { now, log, logins }: Pick<ProviderDeps, 'now' | 'log' | 'logins'>
): Session => {
  const renewal = createRenewal(authority.renew, { now, log }, (token) => login.held() === token)
  const login = createLogin<Sensitive<string>>(
    {
      credential: authority.credential,
      isAnswered: authority.isAnswered,
      login: async (credential, options) => {
        const first = await authority.login(credential, options)
        renewal.begin(first)
        return first.token
      },
      isFresh: renewal.isFresh
    },
    { logins, now }
  )

  const isMended = async (stale: Sensitive<string>, fault: ProviderFault): Promise<boolean> => {
    const next = await login.get()
    if (next.reveal() !== stale.reveal()) return true
    // A configured token that is still the same would only be refused again.
    await login.disown(next, fault)
    return false
  }

  return {
    use: (call, isDead, options) =>
      login.use(options, call, {
        // A denial that is about the token and not about the path is no answer of the store's to what was asked.
        isDisowned: async (fault, token) =>
          fault.reason === 'denied' && (login.held() !== token || (await isDead(token, fault))),
        isMended,
        // Without a token nothing has been sent yet but a login.
        isWorthAnother: (fault, wasAsked) =>
          (options.changes !== true || !wasAsked) && isWorthRetrying(fault)
      }),
    close: () => {
      renewal.close()
      login.close()
    }
  }
}
