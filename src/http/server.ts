/**
 * The Fastify instance: strict parsing, admission, routes, and errors in one shape. Rule: a route says what it asks of its
 * caller or the boot stops, and every URL answers every method, if only with 405.
 */
import { METHODS } from 'node:http'
import cors from '@fastify/cors'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController
} from 'fastify'
import { ProblemError } from '../core/problem.ts'
import { type AdmissionOptions, addAdmission } from './admission.ts'
import type { Connections } from './connections.ts'
import { corsFor } from './cors.ts'
import { plainAddresses } from './forwarded-for.ts'
import { answerHeaders } from './headers.ts'
import { parseJson } from './json.ts'
import { guardListener } from './listener.ts'
import { isOwnSpelling } from './own-path.ts'
import { sendProblem, toProblemError } from './problems.ts'
import {
  faultOf,
  hasBody,
  listenerOptions,
  PARAM_MAX,
  requestIdOf,
  type ServerTls,
  TIMEOUTS
} from './protocol.ts'
import { addQueryRules } from './query.ts'
import { addRequestLog } from './request-log.ts'
import { type App, assertDeclaresAuth } from './route-auth.ts'
import type { Untaken } from './untaken.ts'

export interface ServerOptions extends AdmissionOptions {
  readonly bodyLimitBytes: number
  readonly trustProxy: readonly string[] | undefined
  readonly corsOrigins: readonly string[] | undefined
  readonly tls: ServerTls | undefined
  readonly connections: Connections
  readonly untaken: Untaken
  readonly keepAliveSeconds: number
  readonly logger: FastifyBaseLogger
  /** Adds the routes; what they are is the composition root's business. */
  readonly addRoutes: (app: App) => void
}

const addEveryMethod = (app: FastifyInstance): void => {
  // A CONNECT never becomes a request.
  for (const method of METHODS) {
    if (method !== 'CONNECT' && !app.supportedMethods.includes(method)) app.addHttpMethod(method)
  }
}

/** Every route answers every other method that Node knows with 405; before the body, which nobody will read. */
const refuseOtherMethods = (
  app: FastifyInstance,
  served: ReadonlyMap<string, ReadonlySet<string>>
): void => {
  for (const [url, methods] of [...served]) {
    const others = app.supportedMethods.filter((method) => !methods.has(method))
    if (others.length === 0) continue
    const allow = [...methods].sort().join(', ')
    const refuse = async (_request: FastifyRequest, reply: FastifyReply): Promise<never> => {
      reply.header('allow', allow)
      throw new ProblemError('method_not_allowed')
    }
    app.route({
      method: others,
      url,
      config: { auth: { kind: 'open' } },
      onRequest: refuse,
      handler: refuse
    })
  }
}

const disguiseOf = ({ raw, routeOptions }: FastifyRequest): ProblemError | undefined =>
  isOwnSpelling(raw.url ?? '', routeOptions.url ?? '')
    ? undefined
    : new ProblemError('route_not_found')

export const createServer = async (options: ServerOptions): Promise<FastifyInstance> => {
  const headers = await answerHeaders()
  const addHeaders = (request: FastifyRequest, reply: FastifyReply): FastifyReply =>
    reply.headers(headers).header('x-request-id', request.id)
  const app: FastifyInstance = Fastify({
    ...listenerOptions(options.tls),
    requestTimeout: TIMEOUTS.request,
    keepAliveTimeout: options.keepAliveSeconds * 1_000,
    bodyLimit: options.bodyLimitBytes,
    forceCloseConnections: 'idle',
    // While closing, what still arrives on an open connection is answered, and the connection closed after it.
    return503OnClosing: false,
    trustProxy: options.trustProxy === undefined ? false : [...options.trustProxy],
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true }),
    requestIdHeader: false,
    genReqId: requestIdOf,
    routerOptions: { maxParamLength: PARAM_MAX },
    // Fastify's defaults change what the caller sent: "5" becomes 5, an unknown member disappears.
    ajv: {
      customOptions: {
        coerceTypes: false,
        removeAdditional: false,
        useDefaults: true,
        allErrors: false
      }
    },
    frameworkErrors: (error, request, reply) =>
      sendProblem(request, addHeaders(request, reply), toProblemError(error)),
    clientErrorHandler: (error, socket) => refuseConnection(error, socket)
  })

  const { connections, untaken } = options
  const { onAnswered } = untaken
  const refuseConnection = guardListener(app.server, { connections, onAnswered, headers })
  app.decorate('largeWork', untaken.largeWork)
  app.addHook('preSerialization', untaken.preSerialization)
  app.addHook('onSend', untaken.onSend)
  app.addHook('preClose', async () => connections.close())
  // By default Node drops whatever stands behind the 2,000th header, and with it a second credential. Their size is bounded.
  app.server.maxHeadersCount = 0
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async ({ headers, routeOptions }: FastifyRequest, body: Buffer) => {
      // JSON is UTF-8 (RFC 8259, 8.1), and the media type has no charset; who names another one means another text.
      if (/charset=(?!"?utf-8"?\s*(;|$))/i.test(headers['content-type'] ?? '')) {
        throw new ProblemError('unsupported_media_type')
      }
      // Nothing is unpacked here (RFC 9110, 8.4): what says that it is packed is not JSON.
      if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
        throw new ProblemError('unsupported_media_type')
      }
      // Chunked, and without a chunk.
      return body.length === 0 ? undefined : parseJson(body, routeOptions.config.keepsDigits)
    }
  )
  app.decorateRequest('receivedAt', 0)
  app.addHook('onRequest', (request, reply, done) => {
    request.receivedAt = performance.now()
    addHeaders(request, reply)
    done(faultOf(request.raw) ?? disguiseOf(request))
  })
  app.addHook('onRequest', ({ raw: { headers } }, _reply, done) => {
    if (headers['content-type'] !== undefined && !hasBody({ headers }))
      delete headers['content-type']
    const forwarded = headers['x-forwarded-for']
    if (options.trustProxy !== undefined && typeof forwarded === 'string') {
      headers['x-forwarded-for'] = plainAddresses(forwarded)
    }
    done()
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
    await app.register(cors, corsFor(options.corsOrigins))
  }
  addRequestLog(app)
  await addAdmission(app, options)

  const served = new Map<string, Set<string>>()
  app.addHook('onRoute', (route) => {
    assertDeclaresAuth(route)
    const methods = served.get(route.url) ?? new Set()
    for (const method of [route.method].flat()) methods.add(method)
    served.set(route.url, methods)
  })
  addQueryRules(app)
  addEveryMethod(app)
  options.addRoutes(app.withTypeProvider<TypeBoxTypeProvider>())
  refuseOtherMethods(app, served)
  return app
}
