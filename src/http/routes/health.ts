/** Probes. Rule: liveness depends on nothing, and neither says more than a word to whoever asks. */

import { Type } from 'typebox'
import { type ProblemCode, ProblemError } from '../../core/problem.ts'
import type { Readiness } from '../../secrets/readiness.ts'
import type { TypedFastify } from '../route-auth.ts'

const HealthAnswer = Type.Object({
  status: Type.String(),
  reason: Type.Optional(
    Type.String({ description: '`redis_denies_commands`: the user of REDIS_URL lacks rights' })
  )
})

export interface HealthRoutesOptions {
  readonly readiness: () => Promise<Readiness>
  /** Why the service cannot answer. */
  readonly hindrance: () => ProblemCode | undefined
  /** Why it is degraded, where somebody has to do something about it. */
  readonly reason?: () => string | undefined
}

const config = { auth: { kind: 'open', unlimited: true } } as const

export const addHealthRoutes = (app: TypedFastify, options: HealthRoutesOptions): void => {
  const { readiness, hindrance, reason } = options
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
          summary: 'The service can answer; `degraded` while a store or Redis is down',
          response: { 200: HealthAnswer }
        }
      },
      async () => {
        const status = await readiness()
        if (status === 'unavailable') throw new ProblemError(hindrance() ?? 'overloaded')
        const why = status === 'degraded' ? reason?.() : undefined
        return { status, ...(why !== undefined && { reason: why }) }
      }
    )
  }
}
