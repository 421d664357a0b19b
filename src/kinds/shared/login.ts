/**
 * A login to a store, or what stands for one, held until it ends or the store disowns it. Rule: one at a time however many
 * readers wait, under a deadline of its own; a credential is read anew at each login and not kept; what the store refused
 * is not shown to it again until the credential is another one or its wait is over (`login-memory.ts`).
 */
import { devNull } from 'node:os'
import { isTransient, ProviderFault, UNFIT_CREDENTIAL } from '../../core/fault.ts'
import type { CallOptions, Credential, ProviderDeps } from '../provider.ts'
import { settleBySignal } from './fault-of.ts'

export interface LoginOptions<T> {
  /** Every secret that the login shows, as it is now. Throws ProviderFault. */
  readonly credential: (options: CallOptions) => Promise<readonly string[]>
  /** Throws ProviderFault. */
  readonly login: (credential: readonly string[], options: CallOptions) => Promise<T>
  /** Whether what is held may still be used; always, if absent. */
  readonly isFresh?: (held: T) => boolean
  /** The store itself answers the login. Otherwise only the first call that works shows that it takes the credential. */
  readonly isAnswered?: true
}

export interface Login<T> {
  /** What is held, or a new login. Throws ProviderFault. */
  readonly get: () => Promise<T>
  /** What is held now, without a login. */
  readonly held: () => T | undefined
  /** The store took it. */
  readonly worked: (used: T) => void
  /** The store disowned it: who asks next logs in. Twice in a row without having worked, and the credential is refused. */
  readonly disown: (used: T, fault: ProviderFault) => Promise<void>
  /** It could not be renewed, since the store refuses the credential. The fault as it is to be told. */
  readonly failed: (used: T, fault: ProviderFault) => Promise<ProviderFault>
  readonly close: () => void
}

/** A login serves every reader that waits for it, and so has a deadline of its own instead of one reader's. */
export const LOGIN_DEADLINE_MS = 10_000
/** So soon a mended credential is seen. */
const LOOK_EVERY_MS = 2_000

/** A credential that is absent, forbidden or unreadable is a fault of the configuration, wherever it was to come from. */
export const credentialFault = (error: unknown): ProviderFault =>
  error instanceof ProviderFault && isTransient(error)
    ? error
    : new ProviderFault('misconfigured', { code: 'credential' })

/** True of what this process showed, and of no other's answer. */
const asOurs = (fault: ProviderFault): ProviderFault =>
  isTransient(fault) || fault.isRefusal === true
    ? fault
    : new ProviderFault(fault.reason, { code: fault.code, status: fault.status, isRefusal: true })

/**
 * What a credential that an SDK finds by itself may consist of: variables, and files, some of which variables name. Only for
 * telling whether it is another one now: what is not there is an empty text.
 */
export const ambientCredential = async (
  { credential }: Pick<ProviderDeps, 'credential'>,
  wanted: {
    readonly variables: readonly string[]
    readonly fileVariables: readonly string[]
    readonly files: readonly string[]
  },
  options: CallOptions
): Promise<string[]> => {
  const read = (where: Credential): Promise<string> =>
    credential(where, options).then(
      (text) => text.reveal(),
      (error: unknown) => {
        if (error instanceof ProviderFault && error.code === UNFIT_CREDENTIAL) throw error
        return ''
      }
    )
  const named = await Promise.all(wanted.fileVariables.map((env) => read({ env })))
  // By the null device people say that there is none.
  const files = [...named, ...wanted.files].filter((file) => file !== '' && file !== devNull)
  return Promise.all([
    ...wanted.variables.map((env) => read({ env })),
    ...files.map((file) => read({ file }))
  ])
}

interface Held<T> {
  readonly value: T
  /** The credential that it came of. */
  readonly name: string
  hasWorked: boolean
}

export const createLogin = <T>(
  options: LoginOptions<T>,
  { logins, now }: Pick<ProviderDeps, 'logins' | 'now'>
): Login<T> => {
  const { isFresh = () => true } = options
  const closing = new AbortController()
  let held: Held<T> | undefined
  let flight: Promise<T> | undefined
  /** What came of it last, for whoever asks before it is worth another look. */
  let failure:
    | { readonly fault: ProviderFault; readonly at: number; readonly round: number }
    | undefined
  /** What came of the last login was disowned, and nothing has worked since. */
  let isSuspect = false

  const closed = () => new ProviderFault('unavailable', { code: 'closed' })

  const fail = (error: unknown): ProviderFault => {
    const fault = asOurs(error instanceof ProviderFault ? error : new ProviderFault('unavailable'))
    const { reason } = fault
    if (reason === 'denied' || reason === 'misconfigured')
      failure = { fault, at: now(), round: logins.forgotten() }
    return fault
  }

  const logIn = async (calling: CallOptions): Promise<T> => {
    const credential = await options.credential(calling)
    const name = logins.nameOf(credential)
    const leave = await logins.enter(name, calling)
    try {
      const value = await options.login(credential, calling)
      if (options.isAnswered) logins.accept(name)
      if (closing.signal.aborted) throw closed()
      held = { value, name, hasWorked: false }
      failure = undefined
      return value
    } catch (error) {
      throw error instanceof ProviderFault ? await logins.refuse(name, error) : error
    } finally {
      leave()
    }
  }

  /** An SDK waits for what it asked, whatever becomes of its signal. */
  const fly = async (): Promise<T> => {
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(LOGIN_DEADLINE_MS)])
    try {
      return await settleBySignal({ signal }, () => logIn({ signal }))
    } catch (error) {
      throw fail(error)
    } finally {
      flight = undefined
    }
  }

  const get = async (): Promise<T> => {
    if (closing.signal.aborted) throw closed()
    if (held !== undefined && isFresh(held.value)) return held.value
    const age = failure === undefined ? LOOK_EVERY_MS : now() - failure.at
    const isKept = failure?.round === logins.forgotten() && age >= 0 && age < LOOK_EVERY_MS
    if (failure !== undefined && isKept) throw failure.fault
    flight ??= fly()
    return flight
  }

  return {
    get,
    held: () => held?.value,
    worked: (used) => {
      if (held === undefined || held.hasWorked || held.value !== used) return
      held.hasWorked = true
      isSuspect = false
      logins.accept(held.name)
    },
    disown: async (used, fault) => {
      if (held?.value !== used) return
      const { name } = held
      held = undefined
      const isRefused = isSuspect
      isSuspect = !isRefused
      if (isRefused) fail(await logins.refuse(name, fault))
    },
    failed: async (used, fault) => {
      if (held?.value !== used) return asOurs(fault)
      const { name } = held
      held = undefined
      return fail(await logins.refuse(name, fault))
    },
    close: () => {
      closing.abort()
      held = undefined
    }
  }
}
