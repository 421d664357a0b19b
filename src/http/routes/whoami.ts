/** What a key says of its bearer, and what policy gives it. */

import { Type } from 'typebox'
import type { Policy } from '../../core/policy.ts'
import type { Principal } from '../../core/principal.ts'
import { ProblemError } from '../../core/problem.ts'
import { toClaims } from '../../keys/claims.ts'
import { type Delegation, delegationsOf } from '../../keys/delegation.ts'
import type { TypedFastify } from '../route-auth.ts'
import { claims, Delegations, Patterns } from '../schemas.ts'

const WhoamiAnswer = Type.Object({
  ...claims,
  delegations: Type.Optional(Delegations),
  grants: Type.Object({ read: Patterns, write: Patterns, bots: Patterns, channels: Patterns })
})

export interface WhoamiOptions {
  readonly policy: () => Policy
  readonly delegations: () => readonly Delegation[]
  /** Whether a key issued it: such a one uses no delegation. */
  readonly wasIssued: (principal: Principal) => Promise<boolean>
}

export const addWhoamiRoute = (
  app: TypedFastify,
  { policy, delegations, wasIssued }: WhoamiOptions
): void => {
  app.get(
    '/v1/whoami',
    {
      config: { auth: { kind: 'key' } },
      schema: {
        operationId: 'whoami',
        summary: "The caller's own claims and grants",
        response: { 200: WhoamiAnswer }
      }
    },
    async ({ principal }) => {
      if (principal === null) throw new ProblemError('authentication_required')
      const { read, write, bots, channels } = policy().grantsOf(principal.client)
      const mine = delegationsOf(delegations(), principal.client)
      const mayDelegate = mine.length > 0 && !(await wasIssued(principal))
      return {
        ...toClaims(principal),
        ...(mayDelegate && { delegations: mine }),
        grants: { read: [...read], write: [...write], bots: [...bots], channels: [...channels] }
      }
    }
  )
}
