/**
 * Issues keys for keys, and revokes a key with all that it issued. Rule: between the two nothing slips through. An
 * issue enters the key and then looks for revocations; a revocation is written and then looks for entries; so whichever
 * comes second sees the other, on every replica.
 */
import type { Principal } from '../core/principal.ts'
import { ProblemError } from '../core/problem.ts'
import { sideBySide } from '../core/side-by-side.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { CLOCKS_DIFFER_MS } from '../state/leftovers.ts'
import { type IssuedKey, issueApiKey, type KeyRequest, VIA_MAX } from './api-key.ts'
import { delegate, type IssueRequest, type IssueRules } from './delegation.ts'
import type { Lineage } from './lineage.ts'
import {
  isKeyRevoked,
  issuedBy,
  REVOKED_AT_ONCE,
  type Revocation,
  type Revocations
} from './revocations.ts'
import type { KeyUsage } from './usage.ts'
import type { ViaFloor } from './via-floor.ts'

export interface IssuingOptions {
  readonly keyring: () => Keyring
  readonly usage: Pick<KeyUsage, 'isKnown'>
  readonly revocations: Revocations
  readonly lineage: Lineage
  readonly floor: Pick<ViaFloor, 'isReached'>
  readonly rules: () => IssueRules
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** How long what could not be revoked waits to be tried again. */
  readonly retryEveryMs?: number
}

export interface RevocationWithIssued extends Revocation {
  /** The ids of what it issued, as far as they could be looked up. */
  readonly issued: readonly string[]
}

export type TrustRequest = Required<
  Pick<KeyRequest, 'client' | 'scopes' | 'mode' | 'environment' | 'lifetimeSeconds' | 'endsBy'>
>

export interface Issuing {
  /** Rejects with a ProblemError. The principal says by whom it was issued, also where the key's text does not. */
  readonly issue: (issuer: Principal, asked: IssueRequest) => Promise<IssuedKey>
  /** For whoever logged in; `origin` is the trust in `via`. Rejects with a ProblemError. */
  readonly issueByTrust: (origin: string, request: TrustRequest) => Promise<IssuedKey>
  readonly revokeWithIssued: (keyId: string) => Promise<RevocationWithIssued>
  /** The keys that logins have given and that are in force still; later logins give others. */
  readonly revokeOfTrust: (origin: string) => Promise<RevocationWithIssued>
  /** Whether a key issued it: such a one uses no delegation. */
  readonly wasIssued: (principal: Principal) => Promise<boolean>
  readonly close: () => void
}

const RETRY_EVERY_MS = 1_000

const unavailable = (): ProblemError =>
  new ProblemError('store_unavailable', {
    detail: 'where issued keys are entered does not answer: no key was issued'
  })

const conflict = (): ProblemError =>
  new ProblemError('conflict', { detail: 'a key of this id was issued, seen or revoked before' })

const viaOf = (issuer: Principal, ancestors: readonly string[]): string[] => {
  const via = [...ancestors, issuer.keyId]
  if (via.length <= VIA_MAX) return via
  throw new ProblemError(
    'access_denied',
    { detail: `between a key and the first stand at most ${VIA_MAX}: this one issues none` },
    'issued_too_deep'
  )
}

const entered = async <T>(work: Promise<T>): Promise<T> =>
  work.catch(() => {
    throw unavailable()
  })

/** Seals a key and enters it; refused where those that it descends from have been revoked meanwhile. */
const issueUnder = async (
  { keyring, lineage, floor, now }: IssuingOptions,
  request: KeyRequest,
  via: readonly string[]
): Promise<IssuedKey> => {
  const viaInText = (await entered(floor.isReached())) ? via : undefined
  // What remains wrong is what the schema cannot say: the version, or a key that would be too long.
  const issued = await issueApiKey(keyring(), { ...request, via: viaInText }, now()).catch(() => {
    throw new ProblemError('invalid_request', { detail: 'no key may hold these claims' })
  })
  if (!(await entered(lineage.enter(issued.principal, via)))) throw conflict()
  if (await entered(lineage.isCutOff(via))) {
    throw new ProblemError('invalid_api_key', {}, 'revoked')
  }
  return { ...issued, principal: { ...issued.principal, via } }
}

const issueKey = async (
  options: IssuingOptions,
  issuer: Principal,
  asked: IssueRequest
): Promise<IssuedKey> => {
  const { usage, revocations, lineage, rules } = options
  const ancestors = await entered(lineage.ancestorsOf(issuer))
  const request = delegate(issuer, asked, {
    ...rules(),
    ...(ancestors.length > 0 && { delegations: [] })
  })
  const via = viaOf(issuer, ancestors)
  const { keyId } = request
  if (keyId !== undefined) {
    if (revocations.isRevoked(keyId) || (await entered(usage.isKnown(keyId)))) throw conflict()
  }
  const issued = await issueUnder(options, request, via)
  if (isKeyRevoked(revocations.isRevoked, { ...issuer, via: ancestors })) {
    throw new ProblemError('invalid_api_key', {}, 'revoked')
  }
  return issued
}

/** False where the entries could not be looked through, or what was found is not durable. */
const revokeDescendants = async (
  { lineage, revocations, now }: IssuingOptions,
  ancestor: string,
  found: Set<string>,
  endedBefore?: number
): Promise<boolean> => {
  try {
    let isWhole = true
    await sideBySide(lineage.descendantsOf(ancestor, endedBefore), REVOKED_AT_ONCE, async (id) => {
      if (found.has(id)) return
      const { isDurable } = await revocations.revoke(id, now())
      if (!isDurable) isWhole = false
      found.add(id)
    })
    return isWhole
  } catch {
    return false
  }
}

export const createIssuing = (options: IssuingOptions): Issuing => {
  const { revocations, lineage, now, retryEveryMs = RETRY_EVERY_MS } = options
  const retries = new Set<NodeJS.Timeout>()
  let isClosed = false

  /** For as long as this process runs; what is not durable but known is tried again where revocations are kept. */
  const retry = (ancestor: string, found: Set<string>): void => {
    if (isClosed) return
    const timer = setTimeout(() => {
      retries.delete(timer)
      void revokeDescendants(options, ancestor, found).then((isWhole) => {
        if (!isWhole) retry(ancestor, found)
      })
    }, retryEveryMs).unref()
    retries.add(timer)
  }

  return {
    issue: (issuer, asked) => issueKey(options, issuer, asked),

    issueByTrust: (origin, request) => {
      const { platformVersion: minimumVersion } = options.rules()
      return issueUnder(options, { ...request, minimumVersion }, [origin])
    },

    revokeWithIssued: async (keyId) => {
      const branch = await revocations.revoke(issuedBy(keyId), now())
      const own = await revocations.revoke(keyId, now())
      const found = new Set<string>()
      const isWhole = await revokeDescendants(options, keyId, found)
      if (!isWhole) retry(keyId, found)
      return {
        isNew: own.isNew || branch.isNew,
        isDurable: own.isDurable && branch.isDurable && isWhole,
        issued: [...found]
      }
    },

    revokeOfTrust: async (origin) => {
      const found = new Set<string>()
      const isDurable = await revokeDescendants(options, origin, found, now() - CLOCKS_DIFFER_MS)
      if (!isDurable) retry(origin, found)
      return { isNew: found.size > 0, isDurable, issued: [...found] }
    },

    wasIssued: async (principal) => (await lineage.ancestorsOf(principal)).length > 0,

    close: () => {
      isClosed = true
      for (const timer of retries) clearTimeout(timer)
    }
  }
}
