/**
 * Bots, providers and channels at run time, for administrators. Rule: no credential comes back; of a channel's secrets, which
 * are references, these do.
 */
import { OBJECT_KINDS, type ObjectKind, objectKinds } from '../../integrations/object-kinds.ts'
import type { Objects } from '../../integrations/objects.ts'
import { callerOf } from '../caller.ts'
import type { App } from '../route-auth.ts'
import {
  ObjectParams,
  ObjectsAnswer,
  RemovedAnswer,
  TheirObject,
  WrittenAnswer
} from './bots-schemas.ts'
import { ChannelBody } from './channels-schemas.ts'

const config = { auth: { kind: 'admin', changes: true } } as const

const addRoutesOf = <K extends ObjectKind>(app: App, kind: K, objects: Objects): void => {
  const { word, show } = OBJECT_KINDS[kind]
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
      objects: objects.all(kind).map((object) => {
        const origin: 'file' | 'runtime' = objects.isOfFile(kind, object.name) ? 'file' : 'runtime'
        return { ...show(object), origin }
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
      await objects.write(callerOf(request), kind, name, request.body)
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
      return { name, deleted: await objects.remove(callerOf(request), kind, name) }
    }
  )
}

export interface AdminObjectRoutesOptions {
  readonly objects: Objects
}

export const addAdminObjectRoutes = (app: App, { objects }: AdminObjectRoutesOptions): void => {
  for (const kind of objectKinds) addRoutesOf(app, kind, objects)
}
