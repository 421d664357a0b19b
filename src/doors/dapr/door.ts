/**
 * The door in the dialect of Dapr's secrets building block over HTTP, with an API key as the token. Rule: of a sidecar it has
 * the secrets and what clients ask before they read any; what the dialect has and this door has not is refused, never left
 * out.
 * https://docs.dapr.io/reference/api/secrets_api/
 */
import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import type { DaprDoorConfig, Target } from '../../config/door-entries.ts'
import { callerOf } from '../../http/caller.ts'
import type { Door } from '../../http/door.ts'
import type { TypedFastify } from '../../http/route-auth.ts'
import { isStoreName } from '../../kinds/references.ts'
import { bare, doorKeyFinder } from '../key-headers.ts'
import type { DoorMeans } from '../means.ts'
import { sendViews } from '../send.ts'
import { wantedOf } from '../target.ts'
import { AS_STORED } from '../text.ts'
import { bulkData, secretData } from './answers.ts'
import { readBulk } from './bulk.ts'
import { daprShape, errorBody, JSON_TYPE } from './errors.ts'

const keyIn = doorKeyFinder({ 'dapr-api-token': bare })

const PREFIX = '/v1.0'

const VERSION = 'metadata.version_id'

const strict = { additionalProperties: false }
const Store = Type.String()
/** Of what a component might make of other metadata (a namespace, a stage) the value would be another one. */
const Query = Type.Object({ [VERSION]: Type.Optional(Type.String()) }, strict)

const read = { kind: 'key', scope: 'secrets', discloses: true } as const

type TargetOf = (store: string) => Target | undefined

const targetsOf = ({ stores }: Pick<DaprDoorConfig, 'stores'>): TargetOf =>
  stores === undefined
    ? (name) => (isStoreName(name) ? { kind: 'below', store: name, path: '' } : undefined)
    : (name) => stores.get(name)

const addSecretRoutes = (
  app: TypedFastify,
  at: string,
  targetOf: TargetOf,
  means: Pick<DoorMeans, 'broker' | 'mayKnow'>
): void => {
  const config = { auth: read }
  app.get(
    `${at}/secrets/:store/bulk`,
    { config, schema: { operationId: 'daprBulk', params: Type.Object({ store: Store }) } },
    async (request, reply) => {
      const secrets = await readBulk(means, request, reply, targetOf(request.params.store))
      const views = secrets.map(([, view]) => view)
      return sendViews(reply.type(JSON_TYPE), { views, write: () => bulkData(secrets) })
    }
  )
  const params = Type.Object({ store: Store, '*': Type.String() })
  app.get(
    `${at}/secrets/:store/*`,
    { config, schema: { operationId: 'daprSecret', params, querystring: Query } },
    async (request, reply) => {
      const { store, '*': key } = request.params
      const { [VERSION]: version } = request.query as { [VERSION]?: string }
      const wanted = wantedOf(targetOf(store), key, version)
      const { view, cache } = await means.broker.readSecret(callerOf(request), wanted, AS_STORED)
      reply.header('x-cache', cache).type(JSON_TYPE)
      return sendViews(reply, { views: [view], write: () => secretData(key, view) })
    }
  )
}

/** Clients ask for it until it is there, and of what it says for nothing. */
const METADATA = JSON.stringify({
  id: 'purser',
  actors: [],
  components: [],
  enabledFeatures: [],
  extended: {}
})

const PROBES = [
  { path: '/healthz', operationId: 'daprHealth', code: 'ERR_HEALTH_NOT_READY' },
  {
    path: '/healthz/outbound',
    operationId: 'daprOutboundHealth',
    code: 'ERR_OUTBOUND_HEALTH_NOT_READY'
  }
] as const

const AnyQuery = Type.Record(Type.String(), Type.Unknown())

const addSystemRoutes = (
  app: TypedFastify,
  at: string,
  { health }: Pick<DoorMeans, 'health'>
): void => {
  for (const { path, operationId, code } of PROBES) {
    app.get(
      at + path,
      {
        config: { auth: { kind: 'open', unlimited: true } },
        schema: { operationId, querystring: AnyQuery }
      },
      async (_request, reply): Promise<FastifyReply> => {
        const { status } = await health.readiness()
        if (status !== 'unavailable') return reply.code(204).send()
        return reply.code(500).type(JSON_TYPE).sendShort(errorBody(code, 'not ready'))
      }
    )
  }
  app.get(
    `${at}/metadata`,
    {
      config: { auth: { kind: 'key', scope: 'secrets', anyMode: true } },
      schema: { operationId: 'daprMetadata' }
    },
    async (_request, reply) => reply.type(JSON_TYPE).sendShort(METADATA)
  )
}

export const daprDoor = ({ stores }: DaprDoorConfig, means: DoorMeans): Door => {
  const { listener } = means
  const isAlone = listener !== undefined
  // Alone on its listener it answers whatever is asked there.
  const at = isAlone ? PREFIX : ''
  return {
    name: 'dapr',
    dialect: 'dapr',
    listener,
    ...(!isAlone && { prefix: PREFIX }),
    parsers: {},
    keyIn,
    errorShape: daprShape,
    addRoutes: (app) => {
      addSystemRoutes(app, at, means)
      addSecretRoutes(app, at, targetsOf({ stores }), means)
    }
  }
}
