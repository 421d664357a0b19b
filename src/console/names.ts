/** Names in a store, for the page. Rule: a name where policy lets the administrator's client read it, and never a value. */
import { type Static, Type } from 'typebox'
import { STORE_NAME } from '../core/reference-grammar.ts'
import { callerOf } from '../http/caller.ts'
import type { TypedFastify } from '../http/route-auth.ts'
import { strict } from '../http/schemas.ts'
import type { Broker } from '../secrets/broker.ts'

export interface NamesOptions {
  readonly broker: Pick<Broker, 'listNames'>
}

const PAGE = 100

const NamesQuery = Type.Object(
  {
    store: Type.String({ pattern: STORE_NAME.source }),
    path: Type.Optional(Type.String({ maxLength: 2048, description: 'as in a reference' })),
    cursor: Type.Optional(Type.String({ maxLength: 16_384 }))
  },
  strict
)

const NamesAnswer = Type.Object({
  names: Type.Array(
    Type.Object({
      path: Type.String(),
      reference: Type.String({ description: 'canonical, without a version' }),
      cached: Type.Boolean({ description: 'in this process' }),
      version: Type.Optional(Type.String({ description: 'of what is cached' })),
      fetchedAt: Type.Optional(Type.String({ format: 'date-time' })),
      writable: Type.Boolean({ description: 'by this administrator' })
    })
  ),
  cursor: Type.Optional(Type.String()),
  isPartial: Type.Boolean({ description: 'a folder is not listed for the service' })
})

const shown = ({
  path,
  reference,
  cached,
  isWritable
}: Awaited<ReturnType<Broker['listNames']>>['names'][number]): Static<
  typeof NamesAnswer
>['names'][number] => ({
  path,
  reference,
  cached: cached !== undefined,
  ...(cached && {
    version: cached.version,
    fetchedAt: new Date(cached.fetchedAt).toISOString()
  }),
  writable: isWritable
})

/** A folder, whether or not its slash was written. */
const prefixOf = (store: string, path: string): string =>
  `${store}:${path === '' || path.endsWith('/') ? path : `${path}/`}`

export const addNames = (app: TypedFastify, url: string, { broker }: NamesOptions): void => {
  app.get(
    url,
    {
      config: { auth: { kind: 'session' }, cors: false },
      schema: { querystring: NamesQuery, response: { 200: NamesAnswer } }
    },
    async (request) => {
      const { store, path = '', cursor } = request.query
      // Its store may say a hundred names at once.
      await app.largeWork(request)
      const page = await broker.listNames(callerOf(request), {
        prefix: prefixOf(store, path),
        limit: PAGE,
        ...(cursor !== undefined && { cursor })
      })
      const { names, cursor: next, isPartial } = page
      return { names: names.map(shown), ...(next !== undefined && { cursor: next }), isPartial }
    }
  )
}
