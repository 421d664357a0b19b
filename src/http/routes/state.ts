/** Sealing parameters that go out and come back, and opening them once. */
import type { SealedState } from '../../integrations/sealed-state.ts'
import { callerOf } from '../caller.ts'
import type { TypedFastify } from '../route-auth.ts'
import { OpenAnswer, OpenBody, SealAnswer, SealBody } from './state-schemas.ts'

const config = { auth: { kind: 'key', scope: 'state' } } as const

export interface StateRoutesOptions {
  readonly sealed: SealedState
}

export const addStateRoutes = (app: TypedFastify, { sealed }: StateRoutesOptions): void => {
  app.post(
    '/v1/state',
    {
      config,
      schema: {
        operationId: 'sealState',
        summary: 'Seal parameters for a few minutes, to be opened once by the same client',
        body: SealBody,
        response: { 200: SealAnswer }
      }
    },
    async (request) => {
      const { state, expiresAt } = await sealed.seal(callerOf(request), request.body)
      return { state, expiresAt: new Date(expiresAt).toISOString() }
    }
  )

  app.post(
    '/v1/state/open',
    {
      config,
      schema: {
        operationId: 'openState',
        summary: 'Open a sealed state, which ends it',
        body: OpenBody,
        response: { 200: OpenAnswer }
      }
    },
    async (request) => ({ data: await sealed.open(callerOf(request), request.body) })
  )
}
