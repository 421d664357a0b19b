/**
 * Queries of every route. Rule: a member that the route does not know is refused, also if the route knows none; an
 * optional member that is empty (`?field=`, as forms and templates send it) counts as left out.
 */
import type { FastifyInstance, preValidationHookHandler, RouteOptions } from 'fastify'

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, unknown>>
  readonly required?: readonly string[]
}
type QuerySchema = ObjectSchema & { readonly anyOf?: readonly ObjectSchema[] }

const NONE = { type: 'object', properties: {}, additionalProperties: false }

/** The members that no alternative asks for. */
export const optionalMembers = (schema: QuerySchema): ReadonlySet<string> => {
  const alternatives = schema.anyOf ?? [schema]
  const required = new Set(alternatives.flatMap((alternative) => alternative.required ?? []))
  const known = alternatives.flatMap(({ properties = {} }) => Object.keys(properties))
  return new Set(known.filter((name) => !required.has(name)))
}

/**
 * True also for probes and pages, to which a balancer or a browser may append anything, and for a proxy's question,
 * which is read as it stands.
 */
const knowsItsQuery = ({ config, schema }: RouteOptions): boolean =>
  schema?.querystring !== undefined ||
  config?.auth?.kind === 'open' ||
  config?.auth?.kind === 'proxied'

export const addQueryRules = (app: FastifyInstance): void => {
  app.addHook('onRoute', (route) => {
    if (!knowsItsQuery(route)) route.schema = { ...route.schema, querystring: NONE }
    const optional = optionalMembers((route.schema?.querystring ?? {}) as QuerySchema)
    if (optional.size === 0) return
    const dropEmpty: preValidationHookHandler = (request, _reply, done) => {
      const query = request.query as Record<string, unknown>
      for (const name of optional) if (query[name] === '') delete query[name]
      done()
    }
    route.preValidation = [dropEmpty, ...[route.preValidation ?? []].flat()]
  })
}
