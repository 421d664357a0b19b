/** The door for sibling services, which prove themselves with X-Internal-Secret. Rule: it widens nobody's rights. */
import type { KeyCare } from '../../keys/care.ts'
import { toClaims } from '../../keys/claims.ts'
import type { Broker } from '../../secrets/broker.ts'
import { arrivalOf } from '../caller.ts'
import { keyInBody } from '../credentials.ts'
import { readBatch, sendResults } from '../disclosure.ts'
import { refuseFormat } from '../representation.ts'
import type { TypedFastify } from '../route-auth.ts'
import {
  BatchAnswer,
  IntrospectAnswer,
  IntrospectBody,
  InvalidateAnswer,
  InvalidateBody,
  ResolveBody
} from '../schemas.ts'

export interface InternalRoutesOptions {
  readonly broker: Broker
  readonly care: Pick<KeyCare, 'introspect'>
}

const config = { auth: { kind: 'internal' } } as const

export const addInternalRoutes = (
  app: TypedFastify,
  { broker, care }: InternalRoutesOptions
): void => {
  app.post(
    '/internal/introspect',
    {
      config,
      schema: {
        operationId: 'introspectKey',
        summary: 'Whether an API key is accepted here, and what it says (after RFC 7662)',
        body: IntrospectBody,
        response: { 200: IntrospectAnswer }
      }
    },
    async (request) => {
      const { body } = request
      const principal = await care.introspect(arrivalOf(request), keyInBody(body), body.address)
      return principal === undefined ? { active: false } : { active: true, ...toClaims(principal) }
    }
  )

  app.post(
    '/internal/resolve',
    {
      config,
      preValidation: refuseFormat,
      schema: {
        operationId: 'resolveForClient',
        summary: "Read up to 100 secrets under a client's policy",
        body: ResolveBody,
        response: { 200: BatchAnswer }
      }
    },
    async (request, reply) => {
      const { client, refs } = request.body
      const caller = { client, mode: 'r', ...arrivalOf(request) } as const
      await app.largeWork(request, refs.length)
      return sendResults(reply, await readBatch(broker, caller, refs))
    }
  )

  app.post(
    '/internal/cache/invalidate',
    {
      config,
      schema: {
        operationId: 'invalidateCache',
        summary: 'Drop cached secrets by reference, by store, or all',
        body: InvalidateBody,
        response: { 200: InvalidateAnswer }
      }
    },
    async (request) => {
      const { body } = request
      const what = 'all' in body ? 'all' : body
      return broker.invalidate(arrivalOf(request), what)
    }
  )
}
