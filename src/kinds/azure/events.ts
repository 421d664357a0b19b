/**
 * Events of Azure Key Vault as Event Grid delivers them, in its own schema and as CloudEvents 1.0. Rule: the topic must
 * be the store's vault, and so must every other word in which an event names one.
 *
 * Azure: "Azure Key Vault as Event Grid source", "Endpoint validation with Event Grid event schema", "… CloudEvents
 * schema".
 */
import { type Static, Type } from 'typebox'
import { fitting } from '../../core/fits.ts'
import type { NamedStore } from '../../core/store-address.ts'
import type { KindEvents } from '../kind.ts'
import { EVENTS_MAX, heard, type Named, type NameIn } from '../shared/notification.ts'
import type { AzureAddress } from './forms.ts'

const Text = Type.String({ maxLength: 2048 })
const Data = Type.Object({
  Id: Type.Optional(Text),
  VaultName: Type.Optional(Text),
  ObjectName: Type.Optional(Text),
  validationCode: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9-]{1,128}$' }))
})
const GridEvent = Type.Object({
  eventType: Text,
  topic: Text,
  subject: Type.Optional(Text),
  data: Data
})
const CloudEvent = Type.Object({
  specversion: Type.Literal('1.0'),
  type: Text,
  source: Text,
  subject: Type.Optional(Text),
  data: Type.Optional(Data)
})
const Event = Type.Union([GridEvent, CloudEvent])
const one = fitting(CloudEvent)
const many = fitting(Type.Array(Event, { minItems: 1, maxItems: EVENTS_MAX }))

const CHANGES = new Set([
  'Microsoft.KeyVault.SecretNewVersionCreated',
  'Microsoft.KeyVault.SecretNearExpiry',
  'Microsoft.KeyVault.SecretExpired'
])
const VALIDATION = 'Microsoft.EventGrid.SubscriptionValidationEvent'
const VAULT =
  /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.KeyVault\/vaults\/([^/]+)$/i

const asGrid = (event: Static<typeof Event>): Static<typeof GridEvent> => {
  if ('eventType' in event) return event
  const { type: eventType, source: topic, subject, data = {} } = event
  return { eventType, topic, data, ...(subject !== undefined && { subject }) }
}

const nameOf = (
  store: NamedStore,
  { host }: AzureAddress,
  { eventType, topic, subject, data }: Static<typeof GridEvent>,
  nameIn: NameIn
): Named => {
  if (!CHANGES.has(eventType)) return 'type'
  const [vault] = host.split('.', 1)
  const names = [VAULT.exec(topic)?.[1] ?? '', data.VaultName ?? vault]
  if (names.some((name) => name?.toLowerCase() !== vault)) return 'foreign'
  if (data.Id !== undefined) return nameIn(store, data.Id)
  return nameIn(store, `${store.name}:${data.ObjectName ?? subject ?? ''}`)
}

export const events: KindEvents<AzureAddress> = {
  listen:
    ({ nameIn }) =>
    (store, { body }) => {
      const given = many(body) ? body : one(body) ? [body] : undefined
      if (given === undefined) return undefined
      const all = given.map(asGrid)
      const code = all.find(({ eventType }) => eventType === VALIDATION)?.data.validationCode
      if (code !== undefined) return { ...heard([]), validationResponse: code }
      return heard(all.map((event) => nameOf(store, store.address as AzureAddress, event, nameIn)))
    },

  isWelcome: (origin) => /^eventgrid\.azure\.(net|com|us|cn)$/.test(origin)
}
