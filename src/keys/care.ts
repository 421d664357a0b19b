/**
 * What is done with keys, by whichever door: issue, revoke, introspect, authorize. Rule: each is on record before
 * anybody has its outcome, with the one exception of a revocation, which is in force first.
 */
import type { Recorder, Who } from '../audit/recorder.ts'
import type { Arrival, Caller } from '../core/caller.ts'
import type { Principal } from '../core/principal.ts'
import { ProblemError } from '../core/problem.ts'
import { reasonText } from '../core/reason.ts'
import { hasScope, modeAllows } from '../core/scope.ts'
import { sideBySide } from '../core/side-by-side.ts'
import type { IssuedKey } from './api-key.ts'
import type { Authenticator } from './authenticator.ts'
import type { Address } from './checks.ts'
import type { IssueRequest } from './delegation.ts'
import type { Issuing, RevocationWithIssued } from './issuing.ts'
import { REVOKED_AT_ONCE, type Revocation, type Revocations } from './revocations.ts'
import { originOf } from './trust.ts'

export interface KeyCareOptions {
  readonly recorder: Recorder
  readonly issuing: Pick<Issuing, 'issue' | 'revokeWithIssued' | 'revokeOfTrust'>
  readonly revocations: Pick<Revocations, 'revoke'>
  /** Throws or rejects with a ProblemError. */
  readonly authenticate: Authenticator['authenticate']
  /** Whether the configuration has a trust of this name. */
  readonly isTrust: (name: string) => boolean
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** What a proxy wants to let through: one of the scopes suffices. */
export interface Passage {
  readonly scopes: readonly string[]
  readonly method: string
}

export interface KeyCare {
  /** Rejects with a ProblemError. */
  readonly issue: (caller: Caller, issuer: Principal, asked: IssueRequest) => Promise<IssuedKey>
  /** `issued`: the ids of what the key issued, where that was to be revoked too. */
  readonly revoke: (
    caller: Caller,
    keyId: string,
    withIssued: boolean
  ) => Promise<Revocation & { readonly issued?: readonly string[] }>
  /** The keys that logins of the trust have given until now. A name that nothing has rejects with a ProblemError. */
  readonly revokeOfTrust: (caller: Caller, trustName: string) => Promise<RevocationWithIssued>
  /** Undefined for a key that is not accepted here. `address`: from where the key is used, not the arrival's. */
  readonly introspect: (
    arrival: Arrival,
    apiKey: string,
    address: Address
  ) => Promise<Principal | undefined>
  /** What `read` throws is a refusal too. Resolves with the scope that is granted, or rejects with a ProblemError. */
  readonly authorize: (caller: Caller, principal: Principal, read: () => Passage) => Promise<string>
}

const whoOf = (arrival: Arrival, { client, keyId, kid }: Principal): Who => ({
  ...arrival,
  client,
  keyId,
  kid
})

const grant = (principal: Principal, { scopes, method }: Passage): string => {
  const scope = scopes.find((asked) => hasScope(principal.scopes, asked))
  if (scope === undefined)
    throw new ProblemError('insufficient_scope', {}, reasonText(scopes.join()))
  if (!modeAllows(principal.mode, method)) {
    throw new ProblemError('insufficient_mode', {}, reasonText(scope))
  }
  return scope
}

export const createKeyCare = (options: KeyCareOptions): KeyCare => {
  const { recorder, issuing, revocations, authenticate, isTrust, now } = options

  return {
    issue: async (caller, issuer, asked) => {
      let issued: IssuedKey
      try {
        issued = await issuing.issue(issuer, asked)
      } catch (error) {
        throw await recorder.failed(caller, 'key.issue', undefined, error)
      }
      await recorder.allowed(caller, 'key.issue', undefined, { reason: issued.principal.keyId })
      return issued
    },

    revoke: async (caller, keyId, withIssued) => {
      // Before the record: where that fails, the key is refused all the same and the caller asks again.
      const revoked: Revocation & { readonly issued?: readonly string[] } = withIssued
        ? await issuing.revokeWithIssued(keyId)
        : await revocations.revoke(keyId, now())
      await sideBySide([keyId, ...(revoked.issued ?? [])], REVOKED_AT_ONCE, (reason) =>
        recorder.allowed(caller, 'key.revoke', undefined, { reason })
      )
      return revoked
    },

    revokeOfTrust: async (caller, trustName) => {
      const revoked = await issuing.revokeOfTrust(originOf(trustName))
      // A trust that was taken out may have keys in force; what is not known now may be found later.
      if (revoked.issued.length === 0 && revoked.isDurable && !isTrust(trustName)) {
        const unknown = { errors: [{ pointer: '/params/name', rule: 'unknown' }] }
        const error = new ProblemError('invalid_request', unknown)
        throw await recorder.failed(caller, 'key.revoke', undefined, error)
      }
      const object = `trust ${trustName}`
      await recorder.allowed(caller, 'key.revoke', undefined, { object })
      await sideBySide(revoked.issued, REVOKED_AT_ONCE, (reason) =>
        recorder.allowed(caller, 'key.revoke', undefined, { reason, object })
      )
      return revoked
    },

    introspect: async (arrival, apiKey, address) => {
      const principal = await authenticate(apiKey, address)
      if (principal instanceof ProblemError) {
        await recorder.failed(arrival, 'key.introspect', undefined, principal)
        return undefined
      }
      await recorder.allowed(whoOf(arrival, principal), 'key.introspect', undefined)
      return principal
    },

    authorize: async (caller, principal, read) => {
      let scope: string
      try {
        scope = grant(principal, read())
      } catch (error) {
        throw await recorder.failed(caller, 'key.authorize', undefined, error)
      }
      await recorder.allowed(caller, 'key.authorize', undefined, { reason: scope })
      return scope
    }
  }
}
