/**
 * `delegations:` of `purser.yaml`: which keys a client's keys may issue without having their scopes. Rule: none of them
 * leads to the right to administer, and whatever a delegation could never be used for is a fault.
 */
import { type Static, Type } from 'typebox'
import { isClientName } from '../core/policy.ts'
import { MODES } from '../core/principal.ts'
import { isScope } from '../core/scope.ts'
import type { Report } from '../core/shape.ts'
import { clientPatternFault, touchesAdmin } from '../keys/delegation.ts'
import { MAX_DAYS } from '../keys/lifetime.ts'
import type { SoundEntries } from './rules.ts'

const some = (maxItems: number) => Type.Array(Type.String(), { minItems: 1, maxItems })

export const DelegationEntry = Type.Object(
  {
    client: Type.Union([Type.String(), some(1000)]),
    clients: some(1000),
    scopes: some(32),
    modes: Type.Optional(Type.Array(Type.Enum(MODES), { minItems: 1, maxItems: 3 })),
    maxDays: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_DAYS }))
  },
  { additionalProperties: false }
)
export type DelegationEntry = Static<typeof DelegationEntry>

const scopeFault = (scope: string, adminScope: string | undefined): string | undefined => {
  if (!isScope(scope)) return 'must be a scope such as aura-services:secrets'
  if (adminScope === undefined || !touchesAdmin(adminScope, scope)) return undefined
  return 'gives the right to administer (ADMIN_SCOPE), which no delegation hands on'
}

export const checkDelegations = (
  delegations: SoundEntries<DelegationEntry>,
  /** Undefined where the setting is at fault itself. */
  adminScope: string | undefined,
  report: Report
): void => {
  for (const [index, { client, clients = [], scopes = [] }] of delegations) {
    const at = ['delegations', index]
    const mine = typeof client === 'string' ? [client] : (client ?? [])
    mine.forEach((name, i) => {
      const place = typeof client === 'string' ? [...at, 'client'] : [...at, 'client', i]
      if (name !== undefined && !isClientName(name)) {
        report(place, 'must be the name of a client: it is not for all')
      }
    })
    clients.forEach((pattern, i) => {
      const fault = pattern === undefined ? pattern : clientPatternFault(pattern)
      if (fault !== undefined) report([...at, 'clients', i], fault)
    })
    scopes.forEach((scope, i) => {
      const fault = scope === undefined ? scope : scopeFault(scope, adminScope)
      if (fault !== undefined) report([...at, 'scopes', i], fault)
    })
  }
}
