/**
 * Bots, providers and channels at run time, for administrators. Rule: no credential comes back; of a channel's secrets,
 * which are references, these do.
 */
import {
  RESOURCE_KINDS,
  type ResourceKind,
  resourceKinds
} from '../../integrations/resource-kinds.ts'
import type { Resources } from '../../integrations/resources.ts'
import { callerOf } from '../caller.ts'
import type { TypedFastify } from '../route-auth.ts'
import {
  ObjectParams,
  ObjectsAnswer,
  RemovedAnswer,
  TheirObject,
  WrittenAnswer
} from './bots-schemas.ts'
import { ChannelBody } from './channels-schemas.ts'

const config = { auth: { kind: 'admin', changes: true } } as const

const addRoutesOf = <K extends ResourceKind>(
  app: TypedFastify,
  kind: K,
  resources: Resources
): void => {
  const { word, show } = RESOURCE_KINDS[kind]
  const Word = word.charAt(0).toUpperCase() + word.slice(1)

  app.get(
    `/v1/admin/${kind}`,
    {
      config: { auth: { kind: 'admin' } },
      schema: {
        operationId: `listConfigured${Word}s`,
        summary: `The ${kind} of purser.yaml and those of run time`,
        response: { 200: ObjectsAnswer }
      }
    },
    async () => ({
      objects: resources.all(kind).map((resource) => {
        const origin: 'file' | 'runtime' = resources.isOfFile(kind, resource.name)
          ? 'file'
          : 'runtime'
        return { ...show(resource), origin }
      })
    })
  )

  app.put(
    `/v1/admin/${kind}/:name`,
    {
      config,
      schema: {
        operationId: `write${Word}`,
        summary: `Configure a ${word}, or configure it anew; sealed where it is kept`,
        params: ObjectParams,
        body: kind === 'channels' ? ChannelBody : TheirObject,
        response: { 200: WrittenAnswer }
      }
    },
    async (request) => {
      const { name } = request.params
      await resources.write(callerOf(request), kind, name, request.body)
      return { name }
    }
  )

  app.delete(
    `/v1/admin/${kind}/:name`,
    {
      config,
      schema: {
        operationId: `delete${Word}`,
        summary: `Remove a ${word} that was configured at run time`,
        params: ObjectParams,
        response: { 200: RemovedAnswer }
      }
    },
    async (request) => {
      const { name } = request.params
      return { name, deleted: await resources.remove(callerOf(request), kind, name) }
    }
  )
}

export interface AdminResourceRoutesOptions {
  readonly resources: Resources
}

export const addAdminResourceRoutes = (
  app: TypedFastify,
  { resources }: AdminResourceRoutesOptions
): void => {
  for (const kind of resourceKinds) addRoutesOf(app, kind, resources)
}
