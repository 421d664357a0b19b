/** What a store of AWS has to say. Rule: the partition follows from the region unless it is said. */
import { type Static, Type } from 'typebox'
import { CaCertFile } from '../shared/members.ts'

export const StoreSettings = Type.Object(
  {
    region: Type.String({
      pattern: '^[a-z]{2,4}(-[a-z]+)+-\\d{1,2}$',
      description: 'the region, e.g. `eu-west-1`'
    }),
    accounts: Type.Optional(
      Type.Array(Type.String({ pattern: '^\\d{12}$' }), {
        minItems: 1,
        uniqueItems: true,
        description: 'the accounts whose ARNs are accepted; ARNs of other accounts are refused'
      })
    ),
    endpoint: Type.Optional(
      Type.String({
        pattern: '^https?://[^/?#@\\s]+/?$',
        description:
          'a VPC endpoint instead of the public one; `http:` on this machine only, as of AWS_ENDPOINT_URL and its like'
      })
    ),
    partition: Type.Optional(
      Type.String({
        pattern: '^aws(-[a-z]+)*$',
        description: "the partition of the region's ARNs; derived from the region if absent"
      })
    ),
    caCertFile: CaCertFile
  },
  { additionalProperties: false }
)

export type StoreSettings = Static<typeof StoreSettings>

/** As the SDK's endpoint rules tell regions apart; whatever is not special is `aws`. */
const PARTITIONS: readonly (readonly [prefix: string, partition: string])[] = [
  ['cn-', 'aws-cn'],
  ['us-gov-', 'aws-us-gov'],
  ['eusc-', 'aws-eusc'],
  ['us-iso-', 'aws-iso'],
  ['us-isob-', 'aws-iso-b'],
  ['eu-isoe-', 'aws-iso-e'],
  ['us-isof-', 'aws-iso-f']
]

export const partitionOf = ({ partition, region }: StoreSettings): string =>
  partition ?? PARTITIONS.find(([prefix]) => region.startsWith(prefix))?.[1] ?? 'aws'

/** Where the public endpoints of a partition are; those of the closed ones are not public knowledge. */
const SUFFIXES: Readonly<Record<string, string>> = {
  aws: 'amazonaws.com',
  'aws-cn': 'amazonaws.com.cn',
  'aws-us-gov': 'amazonaws.com'
}

/** The origin that the store is reached at; undefined where only the SDK knows it. */
export const originOf = (settings: StoreSettings): string | undefined => {
  const { endpoint, region } = settings
  if (endpoint !== undefined) return new URL(endpoint).origin
  const suffix = SUFFIXES[partitionOf(settings)]
  return suffix && `https://secretsmanager.${region}.${suffix}`
}
