/**
 * A door: a dialect in which the service is spoken to, and where. Rule: a door says how a request is read and how an
 * answer is written; limits, rights and the record are the same for all doors.
 */
import cors from '@fastify/cors'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { ProblemError } from '../core/problem.ts'
import { routeText } from '../core/route-text.ts'
import type { ServerTls } from '../core/server-tls.ts'
import type { Admission } from './admission.ts'
import { corsFor } from './cors.ts'
import type { KeyFinder } from './credentials.ts'
import { answerErrors, type ErrorShape, sendError } from './problems.ts'
import { addQueryRules } from './query.ts'
import { assertDeclaresAuth, type TypedFastify } from './route-auth.ts'

/** Where a door stands. Doors of one listener share its sockets. */
export interface Listener {
  /** What the log says before its address. */
  readonly label: string
  readonly host: string
  readonly port: number
  readonly tls: ServerTls | undefined
}

/** What a body means. Throws a ProblemError. */
export type BodyParser = (request: FastifyRequest, body: Buffer) => unknown

export interface Door {
  readonly name: string
  /**
   * What the record, metrics and spans call its routes by (`core/route-text.ts`), in lower case: `vault`; undefined for
   * our own interface.
   */
  readonly dialect?: string
  /** Undefined: the public listener. */
  readonly listener?: Listener | undefined
  /**
   * What all paths of this door begin with, and no path of another door of the listener: so an unknown path below the
   * prefix is answered in the shape of this door. The first door of a listener answers all other unknown paths.
   */
  readonly prefix?: string
  /** By content type; every other body is `unsupported_media_type`. */
  readonly parsers: Readonly<Record<string, BodyParser>>
  /** Where the caller's API key stands: most doors have a `createKeyFinder` of their headers. */
  readonly keyIn: KeyFinder
  /** How every error of the door is written, and what is not found in it. */
  readonly errorShape: ErrorShape
  /**
   * Methods that Node's parser does not know: they come as GET, and `bridgedMethod` tells them apart. For a door that is
   * alone on its listener.
   */
  readonly otherMethods?: readonly string[]
  /** Pages of which origins may call; undefined: no page may. */
  readonly corsOrigins?: readonly string[] | undefined
  readonly addRoutes: (app: TypedFastify) => void
}

/** Told of each route at the start, as `OnAnswer` will be. */
export type OnRoute = (route: string) => void

/** What is served at a URL. */
interface Served {
  readonly methods: Set<string>
  /** Of a route whose errors have a shape of their own. */
  readonly errorHandler?: RouteOptions['errorHandler']
}

/**
 * Every route answers every other method that Node knows with 405, in the shape of its other errors; before the body, which
 * nobody will read.
 */
const refuseOtherMethods = (app: FastifyInstance, served: ReadonlyMap<string, Served>): void => {
  for (const [url, { methods, errorHandler }] of [...served]) {
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
      // As the route itself is: for / below a prefix Fastify would take the prefix without a slash too.
      prefixTrailingSlash: 'slash',
      config: { auth: { kind: 'open' } },
      ...(errorHandler !== undefined && { errorHandler }),
      onRequest: refuse,
      handler: refuse
    })
  }
}

/** Adds the routes; a route that declares no authentication stops the boot. */
const addRoutesOf = (
  app: FastifyInstance,
  { addRoutes }: Door,
  onRoute: OnRoute | undefined
): void => {
  const served = new Map<string, Served>()
  const told: string[] = []
  app.addHook('onRoute', (route) => {
    assertDeclaresAuth(route)
    const { routePath, url, config, errorHandler } = route
    // The URL without the prefix, which Fastify adds to every route added here.
    const here = served.get(routePath) ?? { methods: new Set() }
    served.set(routePath, { errorHandler, ...here })
    for (const method of [route.method].flat()) {
      here.methods.add(method)
      for (const operation of [undefined, ...(config?.operations ?? [])]) {
        told.push(routeText(config?.dialect, method, url, operation))
      }
    }
  })
  addQueryRules(app)
  addRoutes(app.withTypeProvider<TypeBoxTypeProvider>())
  // What follows only says that a method is not allowed.
  for (const route of told) onRoute?.(route)
  refuseOtherMethods(app, served)
}

/** Opens the door on a server, in a scope of its own. Rejects if a route is not declared as it has to be. */
export const openDoor = async (
  server: FastifyInstance,
  door: Door,
  { guardRoutes, refuseUnknown }: Admission,
  { isFirst, onRoute }: { readonly isFirst: boolean; readonly onRoute?: OnRoute | undefined }
): Promise<void> => {
  const { name, dialect, prefix = '', parsers, keyIn, errorShape, corsOrigins } = door
  const open = async (app: FastifyInstance): Promise<void> => {
    if (dialect !== undefined) {
      app.addHook('onRoute', (route) => {
        route.config = { ...route.config, dialect }
      })
    }
    for (const [type, parse] of Object.entries(parsers)) {
      const parser = async (request: FastifyRequest, body: Buffer) => parse(request, body)
      app.addContentTypeParser(type, { parseAs: 'buffer' }, parser)
    }
    app.setErrorHandler(answerErrors(errorShape))
    if (isFirst || prefix !== '') {
      app.setNotFoundHandler((request, reply) =>
        sendError(request, reply, errorShape, new ProblemError('route_not_found'))
      )
    }
    guardRoutes(app, keyIn)
    // The answer to unknown paths has a route too: browser pages may read that answer.
    if (corsOrigins !== undefined) await app.register(cors, corsFor(corsOrigins))
    app.addHook('onRequest', refuseUnknown(dialect))
    addRoutesOf(app, door, onRoute)
  }
  // Fastify's own messages of the boot say the name.
  const named = Object.assign(open, { [Symbol.for('fastify.display-name')]: name })
  await server.register(named, { prefix })
}
