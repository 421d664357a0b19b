/**
 * `Shared` in Redis. Rule: a command touches one key (or keys in one pair of braces), so that Cluster can place it; what
 * has to be atomic is one command or one script; and no key is ever without an end to its life.
 */

import { type StateLog, traceOf } from './log.ts'
import { CHANNEL } from './namespaces.ts'
import { codeOf, type RedisClient } from './redis-client.ts'
import { createLink } from './redis-link.ts'
import { createMessages } from './redis-messages.ts'
import { deniedCommands } from './redis-rights.ts'
import type { RedisAddress } from './redis-url.ts'
import type { Shared } from './shared.ts'

export interface RedisSharedOptions {
  readonly address: RedisAddress
  /** Before every key and the channel. */
  readonly prefix: string
  readonly log: StateLog
  /** Milliseconds that a call waits for its answer, 50 if not given. */
  readonly deadlineMs?: number
}

// What is no number is none of ours: it begins anew. Where counting is denied the number stays: a mark of before would be in force again.
const ADD = `local n = redis.pcall('INCRBY', KEYS[1], ARGV[1])
if type(n) == 'table' then
  if not string.find(n.err, 'WRONGTYPE') and not string.find(n.err, 'integer') and not string.find(n.err, 'overflow') then
    return n
  end
  redis.call('SET', KEYS[1], ARGV[1])
  n = tonumber(ARGV[1])
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return n`
const RENEW = `if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`
const RELEASE = `if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1`

/** A list or the like, where somebody else put one: none of ours, and the next `put` replaces it. */
const noneIfForeign = (error: unknown): null => {
  if (codeOf(error) === 'WRONGTYPE') return null
  throw error
}

const RIGHTS_AGAIN_MS = 1_000

/** Redis takes whole milliseconds, from 1. */
const life = (ms: number): number => Math.max(1, Math.round(ms))

export const createRedisShared = (options: RedisSharedOptions): Shared => {
  const { address, prefix, log, deadlineMs } = options
  const channel = prefix + CHANNEL
  const listeners = new Map<string, Parameters<Shared['onMessage']>[1][]>()
  const onReconnect: Parameters<Shared['onReconnect']>[0][] = []
  let isStarted = false
  /** Whether the listeners know that messages arrive and commands work. */
  let isWhole = false
  let isClosed = false

  /** Above a listener there is only the event loop: what it throws would end the process. */
  const tell = async (listener: () => void | Promise<void>): Promise<void> => {
    try {
      await listener()
    } catch (error) {
      log('error', 'what was heard from Redis could not be taken up', traceOf(error))
    }
  }
  const look = (): void => {
    const isWholeNow = isStarted && link.isUp() && messages.isSubscribed()
    if (isWholeNow === isWhole) return
    isWhole = isWholeNow
    if (isWhole) for (const listener of onReconnect) void tell(listener)
  }
  const receive = (text: string): void => {
    const end = text.indexOf('\n')
    if (!isStarted || end < 0) return
    const message = text.slice(end + 1)
    for (const listener of listeners.get(text.slice(0, end)) ?? []) {
      void tell(() => listener(message))
    }
  }
  let deniedHere: readonly string[] = []
  let told = ''
  const denied = (): readonly string[] =>
    messages.isDenied() ? [...deniedHere, 'subscribe'] : deniedHere
  /** Once for each list that there is. */
  const tellDenied = (): void => {
    const commands = denied().join(' ')
    if (commands === told) return
    told = commands
    if (commands !== '') {
      log('error', 'Redis denies commands that are needed: see docs/redis.md for the rights', {
        commands
      })
    }
  }
  /** Only where somebody listens: a command that ends soon would leave its trials to their end. */
  const checkRights = async (): Promise<void> => {
    if (!isStarted || !link.isUp()) return
    try {
      deniedHere = await deniedCommands(link.ask, prefix, channel)
      tellDenied()
    } catch {
      // If it is away, it is asked again when it is back; or else one answer was late.
      setTimeout(() => void checkRights(), RIGHTS_AGAIN_MS).unref()
    }
  }
  const link = createLink({
    address,
    log,
    deadlineMs,
    onChange: () => {
      look()
      void checkRights()
    }
  })
  const messages = createMessages({
    address,
    channel,
    onMessage: receive,
    onChange: look,
    onDenied: tellDenied
  })

  const { ask } = link
  const script = async (
    client: RedisClient,
    source: string,
    key: string,
    ...args: readonly (string | number)[]
  ): Promise<number> => Number(await client.eval(source, 1, prefix + key, ...args))

  return {
    isUp: link.isUp,
    denied,

    getMany: async (keys, withinMs) => {
      if (keys.length === 0) return []
      const found = await ask(
        (client) =>
          Promise.all(keys.map((key) => client.getBuffer(prefix + key).catch(noneIfForeign))),
        withinMs
      )
      return found.map((value) => value ?? undefined)
    },

    put: async (key, value, ttlMs) => {
      await ask((client) => client.set(prefix + key, value, 'PX', life(ttlMs)))
    },

    remove: async (key) => {
      await ask((client) => client.del(prefix + key))
    },

    add: async (counters) => {
      if (counters.length === 0) return []
      return ask((client) =>
        Promise.all(counters.map(({ key, by, ttlMs }) => script(client, ADD, key, by, life(ttlMs))))
      )
    },

    acquire: async (key, owner, ttlMs, withinMs) => {
      const put = (client: RedisClient): Promise<'OK' | null> =>
        client.set(prefix + key, owner, 'PX', life(ttlMs), 'NX')
      return (await ask(put, withinMs)) === 'OK'
    },

    renew: async (key, owner, ttlMs) =>
      (await ask((client) => script(client, RENEW, key, owner, life(ttlMs)))) === 1,

    release: async (key, owner) => {
      await ask((client) => script(client, RELEASE, key, owner))
    },

    publish: async (topic, message) => {
      await ask((client) => client.publish(channel, `${topic}\n${message}`))
    },

    onMessage: (topic, listener) => {
      listeners.set(topic, [...(listeners.get(topic) ?? []), listener])
    },

    onReconnect: (listener) => {
      onReconnect.push(listener)
      if (isWhole) queueMicrotask(() => void tell(listener))
    },

    start: () => {
      isStarted = true
      look()
      void checkRights()
    },

    close: async () => {
      if (isClosed) return
      isClosed = true
      isWhole = false
      messages.close()
      link.close()
    }
  }
}
