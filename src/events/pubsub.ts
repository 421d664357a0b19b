/**
 * Events of GCP Secret Manager as a Pub/Sub push subscription delivers them. Rule: the attributes name the secret; the data,
 * which the publisher filled, is not looked at.
 *
 * Secret Manager: "Set up notifications on a secret"; Pub/Sub: "Authentication for push subscriptions".
 */
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { NamedStore } from '../core/store-address.ts'
import { type Heard, heard, nameIn } from './notification.ts'

const Text = Type.String({ maxLength: 2048 })

const Push = Type.Object({
  message: Type.Object({
    attributes: Type.Optional(
      Type.Object({ eventType: Type.Optional(Text), secretId: Type.Optional(Text) })
    )
  }),
  subscription: Text
})
export type PubSubPush = Static<typeof Push>
const push = Compile(Push)

export const isPubSubPush = (body: unknown): body is PubSubPush => push.Check(body)

const CHANGES = new Set([
  'SECRET_CREATE',
  'SECRET_UPDATE',
  'SECRET_DELETE',
  'SECRET_VERSION_ADD',
  'SECRET_VERSION_ENABLE',
  'SECRET_VERSION_DISABLE',
  'SECRET_VERSION_DESTROY'
])

export const hearPubSub = (store: NamedStore, { message }: PubSubPush): Heard => {
  const { eventType = '', secretId } = message.attributes ?? {}
  if (!CHANGES.has(eventType)) return heard(['type'])
  if (secretId === undefined || !secretId.startsWith('projects/')) return heard(['malformed'])
  return heard([nameIn(store, secretId)])
}

/** The token of an Authorization header; empty if there is none. */
export const bearerIn = (authorization = ''): string =>
  /^Bearer +([A-Za-z0-9._-]{1,4096})$/i.exec(authorization)?.[1] ?? ''
