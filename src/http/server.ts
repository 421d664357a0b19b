/**
 * The HTTP server of one listener: bounds of the protocol, checks of every request, and the listener's doors. Rule: a
 * route says what it asks of its caller or the boot stops, and every URL answers every method, if only with 405.
 */
import { type IncomingHttpHeaders, METHODS } from 'node:http'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyRequest } from 'fastify'
import { ProblemError } from '../core/problem.ts'
import type { ServerTls } from '../core/server-tls.ts'
import { addressOf, networkOf, plainAddresses } from './addresses.ts'
import { type AdmissionOptions, addAdmission } from './admission.ts'
import { type OnAnswer, remember } from './answers.ts'
import { lazyCompilers } from './compilers.ts'
import type { Connections } from './connections.ts'
import { type Door, type OnRoute, openDoor } from './door.ts'
import { addAnswers, addHeaders, answerHeaders } from './headers.ts'
import { guardListener } from './listener.ts'
import { sendError, toProblemError } from './problems.ts'
import {
  hasBody,
  isEncoded,
  isOwnSpelling,
  listenerOptions,
  PARAM_MAX,
  problemIn,
  requestIdOf,
  TIMEOUTS
} from './protocol.ts'
import { addRequestLog } from './request-log.ts'
import { addRequestSpans, type BeginRequest } from './request-spans.ts'
import type { Untaken } from './untaken.ts'

export interface ServerOptions extends AdmissionOptions {
  /** The first door also answers requests that belong to none of them. */
  readonly doors: readonly [Door, ...Door[]]
  readonly bodyLimitBytes: number
  readonly trustProxy: readonly string[] | undefined
  readonly tls: ServerTls | undefined
  readonly connections: Connections
  readonly untaken: Untaken
  /** Told of each answer. */
  readonly onAnswer?: OnAnswer | undefined
  readonly onRoute?: OnRoute | undefined
  /** Undefined: no traces. */
  readonly beginRequest?: BeginRequest | undefined
  readonly keepAliveSeconds: number
  readonly logger: FastifyBaseLogger
}

/** Fastify's options; most of its defaults are switched off. */
const fastifyOptions = (options: ServerOptions) => ({
  ...listenerOptions(options.tls),
  requestTimeout: TIMEOUTS.request,
  keepAliveTimeout: options.keepAliveSeconds * 1_000,
  bodyLimit: options.bodyLimitBytes,
  forceCloseConnections: 'idle' as const,
  // While closing, a request that still arrives on an open connection is answered before the connection is closed.
  return503OnClosing: false,
  trustProxy: options.trustProxy === undefined ? false : [...options.trustProxy],
  // With a logger Fastify would make a child logger and two listeners for each request, and log URLs.
  logger: false as const,
  requestIdHeader: false as const,
  genReqId: requestIdOf,
  routerOptions: { maxParamLength: PARAM_MAX },
  schemaController: { compilersFactory: lazyCompilers() },
  // Fastify's defaults change what the caller sent: "5" becomes 5, an unknown member disappears.
  ajv: {
    customOptions: {
      // Schemas are ours, and looked at when openapi.yaml is made: to do so here is a tenth of a start.
      meta: false,
      validateSchema: false,
      coerceTypes: false as const,
      removeAdditional: false as const,
      useDefaults: true,
      allErrors: false
    }
  }
})

const addEveryMethod = (server: FastifyInstance): void => {
  // A CONNECT never becomes a request.
  for (const method of METHODS) {
    if (method !== 'CONNECT' && !server.supportedMethods.includes(method)) {
      server.addHttpMethod(method)
    }
  }
}

/** The route's template is looked up only if the URL has an escape in it, since the look-up costs. */
const disguiseOf = (request: FastifyRequest): ProblemError | undefined => {
  const { url = '' } = request.raw
  return isEncoded(url) && !isOwnSpelling(url, request.routeOptions.url ?? '')
    ? new ProblemError('route_not_found')
    : undefined
}

const tidyHeaders = (headers: IncomingHttpHeaders, isProxied: boolean): void => {
  if (headers['content-type'] !== undefined && !hasBody({ headers })) delete headers['content-type']
  const forwarded = headers['x-forwarded-for']
  if (isProxied && typeof forwarded === 'string') {
    headers['x-forwarded-for'] = plainAddresses(forwarded)
  }
}

/** What every request goes through, whatever its door. */
const addProtocol = (server: FastifyInstance, { trustProxy, onAnswer }: ServerOptions): void => {
  server.decorateRequest('receivedAt', 0)
  server.decorateRequest('address', '')
  server.decorateRequest('network', '')
  server.decorateRequest('ownStatus', 0)
  server.addHook('onRequest', (request, reply, done) => {
    request.receivedAt = performance.now()
    if (onAnswer !== undefined) remember(request, reply)
    const fault = problemIn(request.raw) ?? disguiseOf(request)
    if (fault === undefined) tidyHeaders(request.raw.headers, trustProxy !== undefined)
    request.address = addressOf(request)
    request.network = networkOf(request.address)
    done(fault)
  })
  server.removeAllContentTypeParsers()
  addEveryMethod(server)
  addRequestLog(server)
}

/** Bounds what a connection and untaken answers may cost. */
const addBounds = (server: FastifyInstance, { connections, untaken }: ServerOptions): void => {
  server.decorate('largeWork', untaken.largeWork)
  server.addHook('preSerialization', untaken.preSerialization)
  server.addHook('preClose', async () => connections.close())
  // By default Node drops all headers after the 2,000th, and so might drop a second credential. The size of all headers
  // is bounded.
  server.server.maxHeadersCount = 0
}

export const createServer = async (options: ServerOptions): Promise<FastifyInstance> => {
  const { doors, connections, untaken, onAnswer } = options
  const { errorShape } = doors[0]
  const headers = answerHeaders()
  const server: FastifyInstance = Fastify({
    ...fastifyOptions(options),
    frameworkErrors: (error, request, reply) => {
      remember(request, reply)
      return sendError(
        request,
        addHeaders(request, reply, headers),
        errorShape,
        toProblemError(error)
      )
    },
    clientErrorHandler: (error, socket) => refuseConnection(error, socket)
  })
  server.log = options.logger
  const { onAnswered } = untaken
  const refuseConnection = guardListener(server.server, {
    connections,
    onAnswered,
    onAnswer,
    headers,
    errorShape,
    otherMethods: doors.flatMap((door) => door.otherMethods ?? [])
  })
  addBounds(server, options)
  addAnswers(server, headers, untaken.onSend)
  if (options.beginRequest !== undefined) addRequestSpans(server, options.beginRequest)
  addProtocol(server, options)
  const admission = await addAdmission(server, options)
  const { onRoute } = options
  for (const door of doors) {
    await openDoor(server, door, admission, { isFirst: door === doors[0], onRoute })
  }
  return server
}
