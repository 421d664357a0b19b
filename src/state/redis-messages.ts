/**
 * The subscriber connection: messages of all topics on one channel. Rule: a connection that only seems to live is found
 * out by a heartbeat, since a subscriber has nothing to ask and would wait for ever.
 */
import { every } from './background.ts'
import { withDeadline } from './deadline.ts'
import { equalJitter, isDenied as isDenial, openSubscriber, reconnect } from './redis-client.ts'
import type { RedisAddress } from './redis-url.ts'
import { SharedUnavailable } from './shared.ts'

export interface Messages {
  readonly isSubscribed: () => boolean
  /** Whether Redis denies the subscription. */
  readonly isDenied: () => boolean
  readonly close: () => void
}

export interface MessagesOptions {
  readonly address: RedisAddress
  readonly channel: string
  readonly onMessage: (text: string) => void
  /** Called at every change between subscribed and not. */
  readonly onChange: (isSubscribed: boolean) => void
  /** Called each time Redis denies the subscription. */
  readonly onDenied: () => void
}

const BEAT_EVERY_MS = 1_000
const BEAT_WITHIN_MS = 1_000

export const createMessages = (options: MessagesOptions): Messages => {
  const { address, channel, onMessage, onChange, onDenied } = options
  let isSubscribed = false
  let isDenied = false
  let isClosed = false
  let idleBeats = 0
  // Not logged here: the command connection logs every outage of Redis.
  const client = openSubscriber(address, () => {})

  const set = (next: boolean): void => {
    if (isSubscribed === next || isClosed) return
    isSubscribed = next
    onChange(next)
  }

  const subscribe = async (): Promise<void> => {
    try {
      await client.subscribe(channel)
      isDenied = false
      if (client.status === 'ready') set(true)
    } catch (error) {
      // The next beat sees a connection that is not subscribed.
      if (!isDenial(error)) return
      isDenied = true
      onDenied()
    }
  }

  const beat = async (): Promise<void> => {
    if (isSubscribed) {
      idleBeats = 0
      await withDeadline(
        BEAT_WITHIN_MS,
        () => client.ping(),
        () => new SharedUnavailable()
      ).catch((error) => {
        // A denial is an answer all the same.
        if (isDenial(error)) return
        set(false)
        if (!isClosed) reconnect(client)
      })
    } else if (++idleBeats > 2) {
      idleBeats = 0
      reconnect(client)
    }
  }
  client.on('ready', () => void subscribe())
  client.on('close', () => set(false))
  client.on('message', (_channel: string, text: string) => onMessage(text))
  const loop = every('heartbeat of the subscriber', () => equalJitter(BEAT_EVERY_MS), beat)

  return {
    isSubscribed: () => isSubscribed,
    isDenied: () => isDenied,
    close: () => {
      isClosed = true
      isSubscribed = false
      loop.close()
      client.disconnect()
    }
  }
}
