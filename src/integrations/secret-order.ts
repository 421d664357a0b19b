/**
 * Which of a channel's two secrets to try first. Rule: the one that worked last, so that a dead one costs nothing after
 * its first call; but the first is tried again now and then, by one request, since it is the one that comes back.
 */

/** Remembered by the channel's object itself, and so forgotten with it. */
interface Channel {
  readonly secrets: readonly string[]
}

const FIRST_AGAIN_MS = 5 * 60_000

export interface SecretOrder {
  /** Places in the channel's list of secrets, in the order to try them. */
  readonly of: (channel: Channel) => readonly number[]
  readonly worked: (channel: Channel, index: number) => void
}

export const createSecretOrder = (now: () => number): SecretOrder => {
  /** When to try the first again, of channels where the second works. */
  const onSecond = new WeakMap<Channel, number>()
  return {
    of: (channel) => {
      if (channel.secrets.length < 2) return [0]
      const firstAgain = onSecond.get(channel)
      if (firstAgain === undefined) return [0, 1]
      if (now() < firstAgain) return [1, 0]
      onSecond.set(channel, now() + FIRST_AGAIN_MS)
      return [0, 1]
    },
    worked: (channel, index) => {
      if (index === 0) onSecond.delete(channel)
      else if (!onSecond.has(channel)) onSecond.set(channel, now() + FIRST_AGAIN_MS)
    }
  }
}
