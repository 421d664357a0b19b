/**
 * Who hears what comes through Redis. Rule: the failure of a listener is logged, and neither another one's nor the
 * process's.
 */
import { type StateLog, traceOf } from './log.ts'
import type { Shared } from './shared.ts'

export interface Listeners extends Pick<Shared, 'onMessage' | 'onReconnect'> {
  /** `text`: a topic, a line feed, and the message. */
  readonly receive: (text: string) => void
  /** Whether messages arrive and commands work: each time that becomes so, the listeners are told that it has. */
  readonly setConnected: (isConnected: boolean) => void
}

export const createListeners = (log: StateLog): Listeners => {
  const onMessage = new Map<string, Parameters<Shared['onMessage']>[1][]>()
  const onReconnect: Parameters<Shared['onReconnect']>[0][] = []
  let isConnected = false

  /** Above a listener there is only the event loop: what it throws would end the process. */
  const tell = async (listener: () => void | Promise<void>): Promise<void> => {
    try {
      await listener()
    } catch (error) {
      log('error', 'what was heard from Redis could not be taken up', traceOf(error))
    }
  }

  return {
    receive: (text) => {
      const end = text.indexOf('\n')
      if (end < 0) return
      const message = text.slice(end + 1)
      for (const listener of onMessage.get(text.slice(0, end)) ?? []) {
        void tell(() => listener(message))
      }
    },

    setConnected: (isConnectedNow) => {
      if (isConnectedNow === isConnected) return
      isConnected = isConnectedNow
      if (isConnected) for (const listener of onReconnect) void tell(listener)
    },

    onMessage: (topic, listener) => {
      onMessage.set(topic, [...(onMessage.get(topic) ?? []), listener])
    },

    onReconnect: (listener) => {
      onReconnect.push(listener)
      if (isConnected) queueMicrotask(() => void tell(listener))
    }
  }
}
