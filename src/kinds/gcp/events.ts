/**
 * Events of GCP Secret Manager as a Pub/Sub push subscription delivers them. Rule: the attributes name the secret; the
 * data, which the publisher filled, is not looked at.
 *
 * Secret Manager: "Set up notifications on a secret"; Pub/Sub: "Authentication for push subscriptions".
 */
import { type Static, Type } from 'typebox'
import { fitting } from '../../core/fits.ts'
import { denied } from '../../core/problem.ts'
import type { NamedStore } from '../../core/store-address.ts'
import type { KindEvents } from '../kind.ts'
import { type Heard, heard, type NameIn } from '../shared/notification.ts'
import type { GcpAddress } from './forms.ts'

const Text = Type.String({ maxLength: 2048 })

const Push = Type.Object({
  message: Type.Object({
    attributes: Type.Optional(
      Type.Object({ eventType: Type.Optional(Text), secretId: Type.Optional(Text) })
    )
  }),
  subscription: Text
})
type PubSubPush = Static<typeof Push>
const push = fitting(Push)

const CHANGES = new Set([
  'SECRET_CREATE',
  'SECRET_UPDATE',
  'SECRET_DELETE',
  'SECRET_VERSION_ADD',
  'SECRET_VERSION_ENABLE',
  'SECRET_VERSION_DISABLE',
  'SECRET_VERSION_DESTROY'
])

const hearPush = (store: NamedStore, { message }: PubSubPush, nameIn: NameIn): Heard => {
  const { eventType = '', secretId } = message.attributes ?? {}
  if (!CHANGES.has(eventType)) return heard(['type'])
  if (secretId === undefined || !secretId.startsWith('projects/')) return heard(['malformed'])
  return heard([nameIn(store, secretId)])
}

/** The token of an Authorization header; empty if there is none. */
const bearerIn = (authorization = ''): string =>
  /^Bearer +([A-Za-z0-9._-]{1,4096})$/i.exec(authorization)?.[1] ?? ''

const Expected = Type.Object({
  audience: Type.String({
    minLength: 1,
    maxLength: 512,
    description: "GCP: the audience of the push subscription's tokens"
  }),
  serviceAccount: Type.String({
    pattern: '^[^@\\s]{1,128}@[^@\\s]{1,128}$',
    description: 'GCP: the service account in whose name the subscription pushes'
  })
})

/** A store whose `events:` names an audience believes tokens for it and nothing else. */
export const events: KindEvents<GcpAddress> = {
  proof: {
    members: Type.Partial(Expected).properties,
    foreign: 'has an audience, which only Pub/Sub has',
    faultOf: ({ audience, serviceAccount }) =>
      audience === undefined || serviceAccount === undefined
        ? 'needs both audience and serviceAccount'
        : undefined
  },

  listen:
    ({ nameIn, isGoogleToken }) =>
    async (store, { body, authorization }) => {
      const { audience, serviceAccount } = (store.events ?? {}) as Partial<Static<typeof Expected>>
      const isExpected = audience !== undefined && serviceAccount !== undefined
      if (!push(body)) {
        if (isExpected) throw denied('unproven')
        return undefined
      }
      const token = bearerIn(authorization)
      if (!isExpected || token === '') throw denied('unproven')
      if (!(await isGoogleToken(token, { audience, serviceAccount }))) throw denied('forged')
      return hearPush(store, body, nameIn)
    }
}
