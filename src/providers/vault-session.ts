/**
 * A token that is kept fit for use: logged in for at the first use, renewed half way through its life, logged in for
 * anew when it can be renewed no further or the server disowns it. Rule: one login at a time however many readers wait,
 * at most one new login a read, and a login that failed is never remembered.
 * https://developer.hashicorp.com/vault/docs/concepts/tokens
 */
import { ProviderFault } from '../core/fault.ts'
import type { Sensitive } from '../core/secret.ts'
import { retryOnce, settleBySignal } from './fault-of.ts'
import type { CallOptions, Log } from './provider.ts'
import type { Grant } from './vault-answer.ts'

/** How tokens are come by; each throws ProviderFault. */
export interface Authority {
  readonly login: (options: CallOptions) => Promise<Grant>
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

/** A login serves every reader that waits for it, and so has a deadline of its own instead of one reader's. */
const LOGIN_DEADLINE_MS = 10_000
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
  { now, log }: { readonly now: () => number; readonly log: Log }
): Session => {
  const closing = new AbortController()
  let held: Held | undefined
  let login: Promise<Held> | undefined
  let timer: NodeJS.Timeout | undefined

  const ownDeadline = (): CallOptions => ({
    signal: AbortSignal.any([closing.signal, AbortSignal.timeout(LOGIN_DEADLINE_MS)])
  })

  const keep = (next: Held, waitMs: number): Held => {
    held = next
    clearTimeout(timer)
    if (next.renewable && waitMs >= 0 && waitMs < Number.POSITIVE_INFINITY) {
      timer = setTimeout(() => void renew(next), Math.min(waitMs, LONGEST_WAIT_MS)).unref()
    }
    return next
  }

  const renew = async (old: Held): Promise<void> => {
    try {
      const grant = await authority.renew(old.token, ownDeadline())
      if (held !== old) return
      const next = hold({ ...grant, token: old.token }, now())
      const lived = now() - (old.expiresAt - old.lifeMs)
      // A renewal that does not give back the time lived has met the token's maximum: the rest is lived out unrenewed.
      const isExtended = next.expiresAt - old.expiresAt > lived / 2
      keep({ ...next, renewable: next.renewable && isExtended }, next.lifeMs / 2)
    } catch (error) {
      if (held !== old) return
      const reason = error instanceof ProviderFault ? error.reason : 'unavailable'
      log('warn', 'the token could not be renewed', { reason })
      const isWorthwhile = reason !== 'denied' && isFresh(old, now())
      keep({ ...old, renewable: isWorthwhile }, (old.expiresAt - now()) / 2)
    }
  }

  const logIn = async (): Promise<Held> => {
    if (closing.signal.aborted) throw new ProviderFault('unavailable', { code: 'closed' })
    const next = hold(await authority.login(ownDeadline()), now())
    if (closing.signal.aborted) throw new ProviderFault('unavailable', { code: 'closed' })
    return keep(next, next.lifeMs / 2)
  }

  const tokenFor = async (): Promise<Sensitive<string>> => {
    if (held !== undefined && isFresh(held, now())) return held.token
    login ??= logIn().finally(() => {
      login = undefined
    })
    return (await login).token
  }

  const use: Session['use'] = (call, isDead, options) => {
    let used: Sensitive<string> | undefined

    const attempt = async () => {
      used = undefined
      used = await tokenFor()
      return call(used)
    }
    const isCured = async (fault: ProviderFault): Promise<boolean> => {
      if (fault.reason === 'unavailable') {
        // Without a token nothing has been sent yet but a login.
        const isRepeatable = options.changes !== true || used === undefined
        return isRepeatable && fault.retryAfterSeconds === undefined
      }
      if (fault.reason !== 'denied' || used === undefined) return false
      const stale = used
      // Unless another reader has found it out already.
      if (held?.token === stale) {
        if (!(await isDead(stale, fault))) return false
        if (held?.token === stale) held = undefined
      }
      // A configured token that is still the same would only be refused again.
      return (await tokenFor()).reveal() !== stale.reveal()
    }
    return settleBySignal(options, () => retryOnce(options, attempt, isCured))
  }

  const close = (): void => {
    closing.abort()
    clearTimeout(timer)
    held = undefined
  }

  return { use, close }
}
