/** What a key says of its bearer, and what policy gives it. */
import type { Policy } from '../../core/policy.ts'
import { ProblemError } from '../../core/problem.ts'
import { toClaims } from '../disclosure.ts'
import type { App } from '../route-auth.ts'
import { WhoamiAnswer } from '../schemas.ts'

export const addWhoamiRoute = (app: App, { policy }: { readonly policy: () => Policy }): void => {
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
      return {
        ...toClaims(principal),
        grants: { read: [...read], write: [...write], bots: [...bots], channels: [...channels] }
      }
    }
  )
}
