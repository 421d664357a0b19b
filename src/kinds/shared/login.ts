/**
 * A login to a store, or what stands for one, held until it ends or the store disowns it. Rule: one login at a time,
 * however many readers wait, under a deadline of its own; a credential is read anew at each login and not kept; a
 * refused one is not used again until it has changed or its wait is over (`login-memory.ts`).
 */
import { isTransient, ProviderFault } from '../../core/fault.ts'
import { withDeadline } from '../../state/deadline.ts'
import type { CallOptions, ProviderDeps } from '../provider.ts'
import { isWorthRetrying, retryOnce } from './fault-of.ts'

export interface LoginOptions<T> {
  /** Every secret that the login shows, as it is now. Throws ProviderFault. */
  readonly credential: (options: CallOptions) => Promise<readonly string[]>
  /** Throws ProviderFault. */
  readonly login: (credential: readonly string[], options: CallOptions) => Promise<T>
  /** Whether what is held may still be used; always, if absent. */
  readonly isFresh?: (held: T) => boolean
  /**
   * For a login that can be renewed: called before each use; resolves at once if nothing is to be done. Throws
   * ProviderFault.
   */
  readonly renew?: (held: T) => Promise<void>
  /**
   * The store itself answers the login. Otherwise only the first call that works shows that it takes the credential.
   */
  readonly isAnswered?: boolean
}

/** What the faults of a call say of the login. */
export interface Judgement<T> {
  /** The fault is about the login, and not about what was asked for. */
  readonly isDisowned: (fault: ProviderFault, used: T) => boolean | Promise<boolean>
  /**
   * After that: whether there is another login by now, which is worth trying; if absent, that shows when it is tried.
   */
  readonly isMended?: (used: T, fault: ProviderFault) => Promise<boolean>
  /** Whether any other fault is worth a second attempt. `wasAsked`: false of a login that failed. */
  readonly isWorthAnother?: (fault: ProviderFault, wasAsked: boolean) => boolean
}

export interface Login<T> {
  /** What is held, or a new login. Throws ProviderFault. */
  readonly get: () => Promise<T>
  /** What is held now, without a login. */
  readonly held: () => T | undefined
  /** The store took it. */
  readonly worked: (used: T) => void
  /**
   * The store disowned it: who asks next logs in. Twice in a row without having worked, and the credential is refused.
   */
  readonly disown: (used: T, fault: ProviderFault) => Promise<void>
  /** Runs the call with what is held, and at most once more, and takes from its outcome what that says of the login. */
  readonly use: <R>(
    options: CallOptions,
    call: (held: T) => Promise<R>,
    judgement: Judgement<T>
  ) => Promise<R>
  readonly close: () => void
}

/** A login serves every reader that waits for it, and so has a deadline of its own instead of one reader's. */
export const LOGIN_DEADLINE_MS = 10_000
/** So soon a mended credential is seen. */
const LOOK_EVERY_MS = 2_000

/** True of what this process showed, and of no other's answer. */
const asOurs = (fault: ProviderFault): ProviderFault =>
  isTransient(fault) || fault.isRefusal === true
    ? fault
    : new ProviderFault(fault.reason, { code: fault.code, status: fault.status, isRefusal: true })

interface Held<T> {
  readonly value: T
  /** The credential that it came of. */
  readonly name: string
  hasWorked: boolean
}

interface LoginContext<T> extends LoginOptions<T>, Pick<ProviderDeps, 'logins' | 'now'> {
  readonly closing: AbortController
  held?: Held<T> | undefined
  /** A login under way. */
  flight?: Promise<T> | undefined
  renewal?: Promise<T> | undefined
  /** What came of it last, for whoever asks before it is worth another look. */
  failure?:
    | { readonly fault: ProviderFault; readonly at: number; readonly round: number }
    | undefined
  /** What came of the last login was disowned, and nothing has worked since. */
  isSuspect: boolean
}

const closed = (): ProviderFault => new ProviderFault('unavailable', { code: 'closed' })
const late = (): ProviderFault => new ProviderFault('timeout')

/** Under the deadline of logins, whatever becomes of the signal. */
export const withinLogin = <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> =>
  withDeadline(LOGIN_DEADLINE_MS, work, late)

const fail = <T>(state: LoginContext<T>, error: unknown): ProviderFault => {
  const fault = asOurs(error instanceof ProviderFault ? error : new ProviderFault('unavailable'))
  if (fault.reason === 'denied' || fault.reason === 'misconfigured') {
    state.failure = { fault, at: state.now(), round: state.logins.forgotten() }
  }
  return fault
}

const logIn = async <T>(state: LoginContext<T>, calling: CallOptions): Promise<T> => {
  const { logins, closing } = state
  const credential = await state.credential(calling)
  const name = logins.nameOf(credential)
  const leave = await logins.enter(name, calling)
  try {
    const value = await state.login(credential, calling)
    if (state.isAnswered) logins.accept(name)
    if (closing.signal.aborted) throw closed()
    state.held = { value, name, hasWorked: false }
    state.failure = undefined
    return value
  } catch (error) {
    throw error instanceof ProviderFault ? await logins.refuse(name, error) : error
  } finally {
    leave()
  }
}

const fly = async <T>(state: LoginContext<T>): Promise<T> => {
  const time = AbortSignal.any([state.closing.signal, AbortSignal.timeout(LOGIN_DEADLINE_MS)])
  try {
    return await withDeadline(time, (signal) => logIn(state, { signal }), late)
  } catch (error) {
    throw fail(state, error)
  } finally {
    state.flight = undefined
  }
}

/** What cannot be renewed, since the store refuses the credential, is held no longer. */
const renewed = async <T>(
  state: LoginContext<T>,
  value: T,
  renew: (held: T) => Promise<void>
): Promise<T> => {
  try {
    await withinLogin(() => renew(value))
    return value
  } catch (error) {
    const fault = error instanceof ProviderFault ? error : new ProviderFault('unavailable')
    const { held } = state
    if (held?.value !== value) throw asOurs(fault)
    state.held = undefined
    throw fail(state, await state.logins.refuse(held.name, fault))
  } finally {
    state.renewal = undefined
  }
}

const currentLogin = async <T>(state: LoginContext<T>): Promise<T> => {
  const { closing, held, failure, isFresh = () => true, renew, logins, now } = state
  if (closing.signal.aborted) throw closed()
  let value = held?.value
  if (value === undefined || !isFresh(value)) {
    const age = failure === undefined ? LOOK_EVERY_MS : now() - failure.at
    const isKept = failure?.round === logins.forgotten() && age >= 0 && age < LOOK_EVERY_MS
    if (failure !== undefined && isKept) throw failure.fault
    state.flight ??= fly(state)
    value = await state.flight
  }
  if (renew === undefined) return value
  state.renewal ??= renewed(state, value, renew)
  return state.renewal
}

const worked = <T>(state: LoginContext<T>, used: T): void => {
  const { held, logins } = state
  if (held === undefined || held.hasWorked || held.value !== used) return
  held.hasWorked = true
  state.isSuspect = false
  logins.accept(held.name)
}

const disown = async <T>(state: LoginContext<T>, used: T, fault: ProviderFault): Promise<void> => {
  const { held, isSuspect, logins } = state
  if (held?.value !== used) return
  state.held = undefined
  state.isSuspect = !isSuspect
  if (isSuspect) fail(state, await logins.refuse(held.name, fault))
}

const useLogin = async <T, R>(
  state: LoginContext<T>,
  options: CallOptions,
  call: (held: T) => Promise<R>,
  { isDisowned, isMended = async () => true, isWorthAnother = isWorthRetrying }: Judgement<T>
): Promise<R> => {
  let shown: { readonly value: T; isDisowned: boolean } | undefined
  const attempt = async (): Promise<R> => {
    shown = undefined
    const value = await currentLogin(state)
    shown = { value, isDisowned: false }
    try {
      const answer = await call(value)
      worked(state, value)
      return answer
    } catch (error) {
      if (!(error instanceof ProviderFault) || !(await isDisowned(error, value))) throw error
      shown.isDisowned = true
      await disown(state, value, error)
      throw new ProviderFault(error.reason, { ...error, isRefusal: true })
    }
  }
  return retryOnce(options, attempt, async (fault) =>
    shown?.isDisowned === true
      ? isMended(shown.value, fault)
      : isWorthAnother(fault, shown !== undefined)
  )
}

export const createLogin = <T>(
  options: LoginOptions<T>,
  { logins, now }: Pick<ProviderDeps, 'logins' | 'now'>
): Login<T> => {
  const state: LoginContext<T> = {
    ...options,
    logins,
    now,
    closing: new AbortController(),
    isSuspect: false
  }
  return {
    get: () => currentLogin(state),
    held: () => state.held?.value,
    worked: (used) => worked(state, used),
    disown: (used, fault) => disown(state, used, fault),
    use: (calling, call, judgement) => useLogin(state, calling, call, judgement),
    close: () => {
      state.closing.abort()
      state.held = undefined
    }
  }
}
