/**
 * A token that is kept fit for use: logged in for at the first use, renewed half way through its life, logged in for
 * anew when it can be renewed no further or the server disowns it. Rule: at most one new login a read.
 * https://developer.hashicorp.com/vault/docs/concepts/tokens
 */
import { ProviderFault } from '../../core/fault.ts'
import type { Sensitive } from '../../core/secret.ts'
import type { CallOptions, ProviderDeps } from '../provider.ts'
import { isWorthRetrying, retryOnce, settleBySignal } from '../shared/fault-of.ts'
import { createLogin, LOGIN_DEADLINE_MS } from '../shared/login.ts'
import type { Grant } from './answer.ts'

/** How tokens are come by; each throws ProviderFault. */
export interface Authority {
  /** Every secret that a login shows, as it is now. */
  readonly credential: (options: CallOptions) => Promise<readonly string[]>
  readonly login: (credential: readonly string[], options: CallOptions) => Promise<Grant>
  /** The server answers a login. A token of the configuration is shown to it by a call only. */
  readonly isAnswered: boolean
  readonly renew: (token: Sensitive<string>, options: CallOptions) => Promise<Grant>
}

export interface UseOptions extends CallOptions {
  /**
   * The call changes something. An unavailable peer may have made the change and lost only its answer: asked again, it
   * would make it twice, or, where it compares versions, take the first for somebody else's and call it a conflict. So the
   * caller is told at once, and looks. A denial is different: what was denied was not done.
   */
  readonly changes?: true
}

export interface Session {
  /**
   * Runs the call with a token, and once more if the peer was unavailable, or if it was `denied` and `isDead` says that
   * this was the token's fault, after a new login. Throws what the call or the login threw, and `timeout` as soon as the
   * signal aborts.
   */
  readonly use: <T>(
    call: (token: Sensitive<string>) => Promise<T>,
    isDead: (token: Sensitive<string>, denial: ProviderFault) => Promise<boolean>,
    options: UseOptions
  ) => Promise<T>
  /** Ends the timer and whatever login is under way. The token is not revoked: other replicas may share it. */
  readonly close: () => void
}

interface Held {
  readonly token: Sensitive<string>
  readonly renewable: boolean
  readonly lifeMs: number
  /** Milliseconds since the epoch, as are all times here. */
  readonly expiresAt: number
}

/** setTimeout takes no longer wait than 2^31 - 1 ms; a renewal that comes early does no harm. */
const LONGEST_WAIT_MS = 86_400_000

const hold = ({ token, renewable, ttlSeconds }: Grant, now: number): Held => {
  const lifeMs = ttlSeconds === 0 ? Number.POSITIVE_INFINITY : ttlSeconds * 1_000
  return { token, renewable, lifeMs, expiresAt: now + lifeMs }
}

/** The last tenth of a life is left alone: a request under way, and clocks that disagree, need some room. */
const isFresh = ({ lifeMs, expiresAt }: Held, now: number): boolean =>
  lifeMs === Number.POSITIVE_INFINITY || now < expiresAt - lifeMs / 10

export const createSession = (
  authority: Authority,
  { now, log, logins }: Pick<ProviderDeps, 'now' | 'log' | 'logins'>
): Session => {
  const closing = new AbortController()
  /** The life of the token that is held, which a renewal prolongs. */
  let life: Held | undefined
  let timer: NodeJS.Timeout | undefined

  const keep = (next: Held, waitMs: number): void => {
    life = next
    clearTimeout(timer)
    if (next.renewable && waitMs >= 0 && waitMs < Number.POSITIVE_INFINITY) {
      timer = setTimeout(() => void renew(next), Math.min(waitMs, LONGEST_WAIT_MS)).unref()
    }
  }

  const login = createLogin<Sensitive<string>>(
    {
      credential: authority.credential,
      login: async (credential, options) => {
        const next = hold(await authority.login(credential, options), now())
        if (!closing.signal.aborted) keep(next, next.lifeMs / 2)
        return next.token
      },
      isFresh: (token) => life?.token === token && isFresh(life, now()),
      ...(authority.isAnswered && { isAnswered: true })
    },
    { logins, now }
  )

  const renew = async (old: Held): Promise<void> => {
    const isHeld = () => life === old && login.held() === old.token
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(LOGIN_DEADLINE_MS)])
    try {
      const grant = await authority.renew(old.token, { signal })
      if (!isHeld()) return
      const next = hold({ ...grant, token: old.token }, now())
      const lived = now() - (old.expiresAt - old.lifeMs)
      // A renewal that does not give back the time lived has met the token's maximum: the rest is lived out unrenewed.
      const isExtended = next.expiresAt - old.expiresAt > lived / 2
      keep({ ...next, renewable: next.renewable && isExtended }, next.lifeMs / 2)
    } catch (error) {
      if (!isHeld()) return
      const reason = error instanceof ProviderFault ? error.reason : 'unavailable'
      log('warn', 'the token could not be renewed', { reason })
      const isWorthwhile = reason !== 'denied' && isFresh(old, now())
      keep({ ...old, renewable: isWorthwhile }, (old.expiresAt - now()) / 2)
    }
  }

  const use: Session['use'] = (call, isDead, options) => {
    let used: Sensitive<string> | undefined
    let isDisowned = false

    const attempt = async () => {
      used = undefined
      const token = await login.get()
      used = token
      try {
        const answer = await call(token)
        login.worked(token)
        return answer
      } catch (error) {
        throw await judged(token, error)
      }
    }
    /** A denial that is about the token and not about the path is no answer of the store's to what was asked. */
    const judged = async (token: Sensitive<string>, error: unknown): Promise<unknown> => {
      if (!(error instanceof ProviderFault) || error.reason !== 'denied') return error
      const isOld = login.held() !== token
      isDisowned = isOld || (await isDead(token, error))
      if (!isDisowned) return error
      await login.disown(token, error)
      return new ProviderFault('denied', { ...error, isRefusal: true })
    }
    const isCured = async (fault: ProviderFault): Promise<boolean> => {
      if (fault.reason === 'unavailable') {
        // Without a token nothing has been sent yet but a login.
        const isRepeatable = options.changes !== true || used === undefined
        return isRepeatable && isWorthRetrying(fault)
      }
      if (fault.reason !== 'denied' || used === undefined || !isDisowned) return false
      const stale = used
      const next = await login.get()
      if (next.reveal() !== stale.reveal()) return true
      // A configured token that is still the same would only be refused again.
      await login.disown(next, fault)
      return false
    }
    return settleBySignal(options, () => retryOnce(options, attempt, isCured))
  }

  const close = (): void => {
    closing.abort()
    clearTimeout(timer)
    life = undefined
    login.close()
  }

  return { use, close }
}
