/**
 * Events of AWS Secrets Manager as EventBridge delivers them: API calls and service events of CloudTrail, and the
 * service's own. Rule: an event of another account or region is not ours, whatever it names.
 *
 * Amazon EventBridge: "AWS Secrets Manager events"; Secrets Manager: "CloudTrail entries", "Secret Label Updated
 * event".
 */
import { Type } from 'typebox'
import { fitting } from '../../core/fits.ts'
import type { NamedStore } from '../../core/store-address.ts'
import { type Heard, heard, type Named, type NameIn } from '../shared/notification.ts'
import type { AwsAddress } from './address.ts'

const Text = Type.String({ maxLength: 2048 })

/** CloudTrail writes null for what a call does not have. */
const orNull = <T extends Parameters<typeof Type.Array>[0]>(schema: T) =>
  Type.Optional(Type.Union([schema, Type.Null()]))

const Event = fitting(
  Type.Object({
    source: Type.String(),
    'detail-type': Type.String(),
    account: Type.Optional(Type.String()),
    region: Type.Optional(Type.String()),
    detail: Type.Object({
      eventName: Type.Optional(Type.String()),
      /** Of "Secret Label Updated". */
      name: Type.Optional(Text),
      requestParameters: orNull(
        Type.Object({ secretId: Type.Optional(Text), name: Type.Optional(Text) })
      ),
      additionalEventData: orNull(Type.Object({ SecretId: Type.Optional(Text) }))
    })
  })
)

/** After which a value, its stages or its tags may be others. */
const CHANGES = new Set([
  'CreateSecret',
  'PutSecretValue',
  'UpdateSecret',
  'UpdateSecretVersionStage',
  'DeleteSecret',
  'RestoreSecret',
  'RotationSucceeded',
  'ReplicationSucceeded',
  'EndSecretDelete',
  'EndSecretVersionDelete',
  'TagResource',
  'UntagResource',
  'Secret Label Updated'
])

const ACCOUNT_OF_ARN = /^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:(\d{12}):/

/** A store that names no accounts reads those that its credentials reach: any account's events are its. */
const nameOf = (
  store: NamedStore,
  address: AwsAddress,
  secretId: string,
  nameIn: NameIn
): Named => {
  if (!secretId.startsWith('arn:')) return nameIn(store, `${store.name}:${secretId}`)
  const [, account = ''] = ACCOUNT_OF_ARN.exec(secretId) ?? []
  const accounts = address.accounts.length > 0 ? address.accounts : [account]
  return nameIn({ name: store.name, address: { ...address, accounts } }, secretId)
}

/** Undefined for what is no event of EventBridge. */
export const hearEventBridge = (
  store: NamedStore,
  address: AwsAddress,
  body: unknown,
  nameIn: NameIn
): Heard | undefined => {
  if (!Event(body)) return undefined
  const { source, account, region, detail } = body
  const { eventName = body['detail-type'], name, requestParameters, additionalEventData } = detail
  if (source !== 'aws.secretsmanager' || !CHANGES.has(eventName)) return heard(['type'])
  const isOurs =
    (region === undefined || region === address.region) &&
    (address.accounts.length === 0 || address.accounts.includes(account ?? ''))
  if (!isOurs) return heard(['foreign'])
  const ids = [
    requestParameters?.secretId ?? requestParameters?.name,
    additionalEventData?.SecretId,
    name
  ].filter((id) => id !== undefined)
  if (ids.length === 0) return heard(['malformed'])
  const named = ids.map((id) => nameOf(store, address, id, nameIn))
  // They are spellings of one secret, and each of them is heard by whoever watches it under another.
  const first = named.find((one) => typeof one !== 'string')
  return heard([...(first ? [first] : []), ...named.filter((one) => typeof one === 'string')])
}
