/**
 * Probes. Rule: liveness depends on nothing, and neither says more than words of a closed set to whoever asks: no store
 * is named.
 */

import { Type } from 'typebox'
import { type ProblemCode, ProblemError } from '../../core/problem.ts'
import type { Readiness } from '../../secrets/readiness.ts'
import type { TypedFastify } from '../route-auth.ts'

const HealthAnswer = Type.Object({
  status: Type.String(),
  reason: Type.Optional(
    Type.String({
      description:
        'why it is degraded. Redis: `redis_unreachable`, `redis_denies_commands` (the user of REDIS_URL lacks rights), `redis_full`, `invalidations_incomplete`, `revocations_incomplete`. A sink of the audit trail that is not required: `audit_file_failing`, `audit_stdout_failing`, `audit_redis_failing`. A store, which /v1/admin/stores names: `store_unreachable`, `store_denied`, `store_misconfigured`, `store_invalid_answer`, `store_throttled`, `store_breaker_open`'
    })
  ),
  reasons: Type.Optional(
    Type.Array(Type.String(), { description: 'if there are several, all of them' })
  )
})

export interface HealthRoutesOptions {
  readonly readiness: () => Promise<Readiness>
  /** Why the service cannot answer. */
  readonly hindrance: () => ProblemCode | undefined
}

const config = { auth: { kind: 'open', unlimited: true } } as const

export const addHealthRoutes = (app: TypedFastify, options: HealthRoutesOptions): void => {
  const { readiness, hindrance } = options
  app.get(
    '/livez',
    {
      config,
      schema: { operationId: 'livez', summary: 'The process runs', response: { 200: HealthAnswer } }
    },
    async () => ({ status: 'ok' })
  )
  for (const url of ['/readyz', '/health']) {
    app.get(
      url,
      {
        config,
        schema: {
          operationId: url.slice(1),
          summary: 'The service can answer; `degraded` while a store or Redis is not well',
          response: { 200: HealthAnswer }
        }
      },
      async () => {
        const { status, reasons } = await readiness()
        if (status === 'unavailable') throw new ProblemError(hindrance() ?? 'overloaded')
        const [reason] = reasons
        return {
          status,
          ...(reason !== undefined && { reason }),
          ...(reasons.length > 1 && { reasons: [...reasons] })
        }
      }
    )
  }
}
