/** Secrets by reference, by name and in batches; and writing a new version. */
import type { Broker } from '../../broker/broker.ts'
import { formatReference } from '../../core/reference.ts'
import { Sensitive } from '../../core/secret.ts'
import { callerOf } from '../caller.ts'
import { readBatch, sendSecret } from '../disclosure.ts'
import type { App } from '../route-auth.ts'
import {
  BatchAnswer,
  BatchBody,
  BatchQuery,
  NameParams,
  NameQuery,
  SecretAnswer,
  SecretQuery,
  WriteAnswer,
  WriteBody,
  WriteQuery
} from '../schemas.ts'

const auth = { kind: 'key', scope: 'secrets', discloses: true } as const
const writeAuth = { kind: 'key', scope: 'secrets' } as const

export interface SecretRoutesOptions {
  readonly broker: Broker
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export const addSecretRoutes = (app: App, { broker, now }: SecretRoutesOptions): void => {
  app.get(
    '/v1/secrets',
    {
      config: { auth },
      schema: {
        operationId: 'readSecret',
        summary: 'Read a secret by reference',
        querystring: SecretQuery,
        response: { 200: SecretAnswer }
      }
    },
    async (request, reply) => {
      const { ref, version, field } = request.query
      const wanted = { text: ref, version, field }
      return sendSecret(reply, await broker.readSecret(callerOf(request), wanted), now())
    }
  )

  app.get(
    '/v1/secrets/:name',
    {
      config: { auth },
      schema: {
        operationId: 'readSecretByName',
        summary: 'Read a secret by its name in the configuration',
        params: NameParams,
        querystring: NameQuery,
        response: { 200: SecretAnswer }
      }
    },
    async (request, reply) => {
      const wanted = { text: request.params.name, ...request.query }
      return sendSecret(reply, await broker.readSecret(callerOf(request), wanted), now())
    }
  )

  app.get(
    '/v1/secrets/batch',
    {
      config: { auth },
      schema: {
        operationId: 'readSecrets',
        summary: 'Read up to 100 secrets, each with a result of its own',
        querystring: BatchQuery,
        response: { 200: BatchAnswer }
      }
    },
    (request) => readBatch(broker, callerOf(request), [request.query.ref].flat())
  )

  app.post(
    '/v1/secrets/batch',
    {
      config: { auth },
      schema: {
        operationId: 'readSecretsPosted',
        summary: 'Read up to 100 secrets, each with a result of its own; needs mode rw',
        body: BatchBody,
        response: { 200: BatchAnswer }
      }
    },
    (request) => readBatch(broker, callerOf(request), request.body.refs)
  )

  app.put(
    '/v1/secrets',
    {
      config: { auth: writeAuth },
      schema: {
        operationId: 'writeSecret',
        summary: 'Write a new version of a secret; the answer never holds the value',
        querystring: WriteQuery,
        body: WriteBody,
        response: { 200: WriteAnswer }
      }
    },
    async (request) => {
      const { body } = request
      const text = new Sensitive('value' in body ? body.value : JSON.stringify(body.data))
      const wanted = { text: request.query.ref }
      const { reference, version } = await broker.writeSecret(callerOf(request), wanted, { text })
      return { ref: formatReference(reference), version }
    }
  )
}
