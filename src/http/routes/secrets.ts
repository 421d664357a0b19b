/** Secrets by reference, by name and in batches; and writing a new version. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { printJson } from '../../core/json-text.ts'
import { ProblemError } from '../../core/problem.ts'
import { formatReference } from '../../core/reference.ts'
import { Sensitive } from '../../core/secret.ts'
import type { Broker } from '../../secrets/broker.ts'
import type { Terms, Wanted } from '../../secrets/terms.ts'
import { callerOf } from '../caller.ts'
import { freshnessOf } from '../conditional.ts'
import { listBelow, readBatch, sendResults, sendSecret } from '../disclosure.ts'
import { writtenMember } from '../json.ts'
import { refuseFormat, refuseFormatOfList, wantsRaw } from '../representation.ts'
import type { TypedFastify } from '../route-auth.ts'
import { BatchAnswer, BatchQuery, SecretAnswer, SecretQuery } from '../schemas.ts'
import {
  BatchBody,
  NameParams,
  NameQuery,
  SecretOrListAnswer,
  WriteAnswer,
  WriteBody,
  WriteHeaders,
  WriteQuery
} from './secrets-schemas.ts'

const auth = { kind: 'key', scope: 'secrets', discloses: true } as const
const writeAuth = { kind: 'key', scope: 'secrets' } as const

/** The fields to be written, every number with its digits. */
const dataOf = (body: object): string => {
  const data = writtenMember(body, 'data')
  if (data !== undefined) return printJson(data)
  throw new ProblemError('invalid_request', { errors: [{ pointer: '/body/data', rule: 'json' }] })
}

export interface SecretRoutesOptions {
  readonly broker: Broker
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

const termsOf = (request: FastifyRequest, reply: FastifyReply, raw = false): Terms => ({
  raw,
  freshness: freshnessOf(request.headers['cache-control'], () =>
    request.server.chargeFresh(request, reply)
  )
})

const addReadRoutes = (app: TypedFastify, { broker, now }: SecretRoutesOptions): void => {
  const read = async (
    request: FastifyRequest,
    reply: FastifyReply,
    wanted: Wanted,
    format: string | undefined
  ) => {
    const raw = wantsRaw(request, format)
    const terms = termsOf(request, reply, raw)
    const disclosure = await broker.readSecret(callerOf(request), wanted, terms)
    return sendSecret(request, reply, disclosure, { raw, now: now() })
  }

  app.get(
    '/v1/secrets',
    {
      config: { auth },
      preValidation: refuseFormatOfList,
      schema: {
        operationId: 'readSecret',
        summary:
          'Read a secret by reference, or whatever is allowed below a prefix, a page at a time',
        querystring: SecretQuery,
        response: { 200: SecretOrListAnswer }
      }
    },
    async (request, reply) => {
      const { query } = request
      if ('prefix' in query) {
        // One read is paid for by the request itself.
        const charge = (reads: number) => app.chargeKey(request, reply, Math.max(0, reads - 1))
        const terms = termsOf(request, reply)
        await app.largeWork(request)
        return sendResults(reply, await listBelow(broker, callerOf(request), query, charge, terms))
      }
      const { ref, version, field, format } = query
      return read(request, reply, { text: ref, version, field }, format)
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
      const { version, field, format } = request.query
      return read(request, reply, { text: request.params.name, version, field }, format)
    }
  )
}

const addBatchRoutes = (app: TypedFastify, { broker }: SecretRoutesOptions): void => {
  /** A batch counts as the reads that it is made of, as a listing does. */
  const readAll = async (
    request: FastifyRequest,
    reply: FastifyReply,
    refs: readonly string[]
  ): Promise<FastifyReply> => {
    const limited = app.chargeKey(request, reply, refs.length - 1)
    if (limited !== undefined) return Promise.reject(limited)
    const terms = termsOf(request, reply)
    await app.largeWork(request, refs.length)
    return sendResults(reply, await readBatch(broker, callerOf(request), refs, terms))
  }

  app.get(
    '/v1/secrets/batch',
    {
      config: { auth },
      preValidation: refuseFormat,
      schema: {
        operationId: 'readSecrets',
        summary: 'Read up to 100 secrets, each with a result of its own',
        querystring: BatchQuery,
        response: { 200: BatchAnswer }
      }
    },
    async (request, reply) => readAll(request, reply, [request.query.ref].flat())
  )

  app.post(
    '/v1/secrets/batch',
    {
      config: { auth },
      preValidation: refuseFormat,
      schema: {
        operationId: 'readSecretsPosted',
        summary: 'Read up to 100 secrets, each with a result of its own; needs mode rw',
        body: BatchBody,
        response: { 200: BatchAnswer }
      }
    },
    async (request, reply) => readAll(request, reply, request.body.refs)
  )
}

export const addWriteRoute = (
  app: TypedFastify,
  { broker }: Pick<SecretRoutesOptions, 'broker'>
): void => {
  app.put(
    '/v1/secrets',
    {
      config: { auth: writeAuth, keepsDigits: true },
      schema: {
        operationId: 'writeSecret',
        summary: 'Write a new version of a secret; the answer never holds the value',
        querystring: WriteQuery,
        headers: WriteHeaders,
        body: WriteBody,
        response: { 200: WriteAnswer }
      }
    },
    async (request) => {
      const { body } = request
      // Silently overwriting what was to be created only would lose a secret.
      if (request.headers['if-none-match'] !== undefined) {
        throw new ProblemError('invalid_request', {
          detail: 'a write knows the condition If-Match alone',
          errors: [{ pointer: '/headers/if-none-match', rule: 'unsupported' }]
        })
      }
      const text = new Sensitive('value' in body ? body.value : dataOf(body))
      const wanted = { text: request.query.ref }
      const ifVersion = request.headers['if-match']?.replaceAll('"', '')
      const write = { text, ifVersion }
      const { reference, ...written } = await broker.writeSecret(callerOf(request), wanted, write)
      return { ref: formatReference(reference), ...written }
    }
  )
}

export const addSecretRoutes = (app: TypedFastify, options: SecretRoutesOptions): void => {
  addReadRoutes(app, options)
  addBatchRoutes(app, options)
  addWriteRoute(app, options)
}
