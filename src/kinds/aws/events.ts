/**
 * Notifications of AWS: by EventBridge, or by SNS, which signs them. Rule: a store whose `events:` names topics
 * believes nothing else, so that what stands before the internal door may hand on whatever comes.
 */
import { type Static, Type } from 'typebox'
import { asJson } from '../../core/json.ts'
import { denied } from '../../core/problem.ts'
import type { KindEvents } from '../kind.ts'
import { type Addressee, NOTHING_HEARD } from '../shared/notification.ts'
import type { AwsAddress } from './address.ts'
import { hearEventBridge } from './event-bridge.ts'
import { createSns, isSnsMessage, regionOf, resemblesSns, type SnsMessage } from './sns.ts'

const Topics = Type.Array(
  Type.String({ pattern: '^arn:aws[a-z-]*:sns:[a-z0-9-]+:\\d{12}:[A-Za-z0-9_-]{1,256}$' }),
  { minItems: 1, maxItems: 10, description: 'AWS: the ARNs of the topics that are believed' }
)
type Topics = Static<typeof Topics>

const topicsOf = ({ events }: Addressee): Topics | undefined =>
  events?.['snsTopics'] as Topics | undefined

export const events: KindEvents<AwsAddress> = {
  proof: {
    members: { snsTopics: Type.Optional(Topics) },
    foreign: 'has topics, which only AWS has',
    faultOf: ({ snsTopics }, { region }) =>
      (snsTopics as Topics).some((topic) => regionOf(topic) !== region)
        ? 'names a topic of another region'
        : undefined
  },

  listen: (tools) => {
    const { nameIn, log } = tools
    const sns = createSns(tools)

    const hearSns = async (store: Addressee, address: AwsAddress, given: SnsMessage) => {
      await sns.verify(address, topicsOf(store), given)
      if (given.Type === 'SubscriptionConfirmation') {
        await sns.confirm(address, given)
        log('info', 'a subscription to an SNS topic was confirmed', { store: store.name })
      }
      if (given.Type !== 'Notification') return NOTHING_HEARD
      const event = hearEventBridge(store, address, asJson(given.Message), nameIn)
      return event ?? { secrets: [], ignored: ['malformed' as const] }
    }

    return (store, { body }) => {
      const address = store.address as AwsAddress
      if (isSnsMessage(body)) return hearSns(store, address, body)
      if (topicsOf(store) !== undefined || resemblesSns(body)) throw denied('unproven')
      return hearEventBridge(store, address, body, nameIn)
    }
  }
}
