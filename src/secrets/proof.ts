/**
 * How a cloud proves the notifications of a store, as `events:` of a store says it. Rule: a store that says which proof to
 * expect believes nothing else, so that what stands before the internal door may hand on whatever comes.
 */
import { type Static, Type } from 'typebox'
import type { StoreAddress } from '../core/store-address.ts'

export const EventProof = Type.Object(
  {
    snsTopics: Type.Optional(
      Type.Array(
        Type.String({ pattern: '^arn:aws[a-z-]*:sns:[a-z0-9-]+:\\d{12}:[A-Za-z0-9_-]{1,256}$' }),
        { minItems: 1, maxItems: 10, description: 'AWS: the ARNs of the topics that are believed' }
      )
    ),
    audience: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 512,
        description: "GCP: the audience of the push subscription's tokens"
      })
    ),
    serviceAccount: Type.Optional(
      Type.String({
        pattern: '^[^@\\s]{1,128}@[^@\\s]{1,128}$',
        description: 'GCP: the service account in whose name the subscription pushes'
      })
    )
  },
  { additionalProperties: false }
)
export type EventProof = Static<typeof EventProof>

/** The region of an SNS topic. */
export const regionOf = (topic: string): string => topic.split(':')[3] ?? ''

/** What is wrong with it for a store at that address, as the end of a sentence. */
export const faultOfProof = (
  { snsTopics, audience, serviceAccount }: EventProof,
  address: StoreAddress
): string | undefined => {
  if (snsTopics !== undefined) {
    if (address.kind !== 'aws-secrets-manager') return 'has topics, which only AWS has'
    if (snsTopics.some((topic) => regionOf(topic) !== address['region'])) {
      return 'names a topic of another region'
    }
  }
  if (audience === undefined && serviceAccount === undefined) {
    return snsTopics === undefined ? 'names no proof' : undefined
  }
  if (address.kind !== 'gcp-secret-manager') return 'has an audience, which only Pub/Sub has'
  return audience === undefined || serviceAccount === undefined
    ? 'needs both audience and serviceAccount'
    : undefined
}
