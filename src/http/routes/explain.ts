/**
 * Why a client, or a key, may or may not read a reference: for administrators, who may know the rules but get no value.
 */
import type { ExaminedKey } from '../../keys/checks.ts'
import type { ExplainRequest, Explanation } from '../../secrets/explain.ts'
import { keyInBody } from '../credentials.ts'
import type { TypedFastify } from '../route-auth.ts'
import { ExplainAnswer, ExplainBody, ExplainQuery } from './explain-schemas.ts'

export interface ExplainRoutesOptions {
  readonly explain: (question: ExplainRequest) => Explanation
  /** What the authenticator would say of the key, which does not count as its use. */
  readonly examine: (apiKey: string, address: string | undefined) => Promise<ExaminedKey>
}

const config = { auth: { kind: 'admin' } } as const

/** The serializer's own copy. */
const answerOf = ({ checks, ...rest }: Explanation) => ({ ...rest, checks: [...checks] })

export const addExplainRoutes = (
  app: TypedFastify,
  { explain, examine }: ExplainRoutesOptions
): void => {
  app.get(
    '/v1/admin/explain',
    {
      config,
      schema: {
        operationId: 'explainForClient',
        summary: 'Why a client may or may not read a reference; never the value',
        querystring: ExplainQuery,
        response: { 200: ExplainAnswer }
      }
    },
    async ({ query: { client, ref: text, version, field } }) =>
      answerOf(explain({ who: { client }, wanted: { text, version, field } }))
  )

  app.post(
    '/v1/admin/explain',
    {
      config: { auth: { kind: 'admin', reads: true } },
      schema: {
        operationId: 'explainForKey',
        summary: 'Why the bearer of an API key may or may not read a reference; never the value',
        body: ExplainBody,
        response: { 200: ExplainAnswer }
      }
    },
    async ({ body }) => {
      const { ref: text, version, field, address } = body
      const key = await examine(keyInBody(body), address)
      return answerOf(explain({ who: { key }, wanted: { text, version, field } }))
    }
  )
}
