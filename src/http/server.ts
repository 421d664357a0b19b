/**
 * The Fastify instance: strict parsing, limits and timeouts of the protocol, and errors in one shape. Rule: a route says
 * what it asks of its caller or the boot stops, and every URL answers every method, if only with 405.
 */
import { randomUUID } from 'node:crypto'
import cors from '@fastify/cors'
import rateLimit from '@fastify/rate-limit'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { ProblemError } from '../core/problem.ts'
import { type AdmissionOptions, addAdmission } from './admission.ts'
import { answerHeaders } from './headers.ts'
import { refuseConnection, sendProblem, toProblemError } from './problems.ts'
import { type App, assertDeclaresAuth } from './route-auth.ts'

export interface ServerOptions extends AdmissionOptions {
  readonly bodyLimitBytes: number
  readonly trustProxy: readonly string[] | undefined
  readonly corsOrigins: readonly string[] | undefined
  readonly tls:
    | { readonly cert: Buffer; readonly key: Buffer; readonly clientCa?: Buffer }
    | undefined
  readonly logger: FastifyBaseLogger
  /** Adds the routes; what they are is the composition root's business. */
  readonly addRoutes: (app: App) => void
}

/** A batch of 100 long references fits. */
const URL_MAX = 16_384
const METHODS = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'] as const
const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/

// Fastify switches Node's own request timeout off; see its documentation of `requestTimeout`. The timeout of the headers
// must stay below that of the request, or Node swaps the two.
const TIMEOUTS = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1_000
}

export const createServer = async (options: ServerOptions): Promise<FastifyInstance> => {
  const { tls } = options
  const headers = await answerHeaders()
  const node = {
    headersTimeout: TIMEOUTS.headersTimeout,
    connectionsCheckingInterval: TIMEOUTS.connectionsCheckingInterval,
    maxHeaderSize: 2 * URL_MAX
  }
  const secure = tls && {
    https: {
      ...node,
      cert: tls.cert,
      key: tls.key,
      minVersion: 'TLSv1.2' as const,
      ...(tls.clientCa && { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true })
    }
  }
  const app: FastifyInstance = Fastify({
    ...(secure ?? { http: node }),
    requestTimeout: TIMEOUTS.requestTimeout,
    keepAliveTimeout: 5_000,
    handlerTimeout: 30_000,
    bodyLimit: options.bodyLimitBytes,
    forceCloseConnections: 'idle',
    trustProxy: options.trustProxy === undefined ? false : [...options.trustProxy],
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true }),
    requestIdHeader: false,
    genReqId: (request) => {
      const given = request.headers['x-request-id']
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID()
    },
    routerOptions: { maxParamLength: 2048 },
    // Fastify's defaults change what the caller sent: "5" becomes 5, an unknown member disappears.
    ajv: {
      customOptions: {
        coerceTypes: false,
        removeAdditional: false,
        useDefaults: true,
        allErrors: false
      }
    },
    frameworkErrors: (error, request, reply) => {
      reply.headers(headers)
      return sendProblem(request, reply, toProblemError(error))
    },
    clientErrorHandler: (error, socket) => refuseConnection(error, socket, headers)
  })

  app.removeContentTypeParser('text/plain')
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(headers)
    reply.header('x-request-id', request.id)
    done(request.url.length > URL_MAX ? new ProblemError('uri_too_long') : undefined)
  })
  app.setErrorHandler((error, request, reply) => {
    const problem = toProblemError(error)
    if (problem.code === 'internal_error') request.log.error({ err: error }, 'unexpected error')
    return sendProblem(request, reply, problem)
  })
  app.setNotFoundHandler((request, reply) =>
    sendProblem(request, reply, new ProblemError('route_not_found'))
  )
  if (options.corsOrigins !== undefined) {
    await app.register(cors, {
      origin: options.corsOrigins.includes('*') ? '*' : [...options.corsOrigins],
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
      allowedHeaders: [
        'authorization',
        'x-api-key',
        'content-type',
        'x-request-id',
        'if-none-match'
      ],
      exposedHeaders: [
        'x-request-id',
        'x-cache',
        'age',
        'etag',
        'retry-after',
        'ratelimit',
        'ratelimit-policy'
      ],
      maxAge: 600
    })
  }
  await app.register(rateLimit, { global: false })
  addAdmission(app, options)

  const served = new Map<string, Set<string>>()
  app.addHook('onRoute', (route) => {
    assertDeclaresAuth(route)
    const methods = served.get(route.url) ?? new Set()
    for (const method of [route.method].flat()) methods.add(method)
    served.set(route.url, methods)
  })
  options.addRoutes(app.withTypeProvider<TypeBoxTypeProvider>())
  for (const [url, methods] of [...served]) {
    const allow = [...methods].sort().join(', ')
    app.route({
      method: METHODS.filter((method) => !methods.has(method)),
      url,
      config: { auth: { kind: 'open' } },
      handler: (request, reply) =>
        sendProblem(request, reply.header('allow', allow), new ProblemError('method_not_allowed'))
    })
  }
  return app
}
