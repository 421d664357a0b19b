/**
 * `Shared` in Redis. Rule: a command touches one key (or keys in one pair of braces), so that Cluster can place it;
 * what has to be atomic is one command or one script; and no key is ever without an end to its life.
 */
import type { StateLog } from './log.ts'
import { CHANNEL } from './namespaces.ts'
import type { RedisClient } from './redis-client.ts'
import { createLink, type Link, type OnCall } from './redis-link.ts'
import { createListeners } from './redis-listeners.ts'
import { createMessages } from './redis-messages.ts'
import { createReads } from './redis-reads.ts'
import { createRightsCheck } from './redis-rights.ts'
import { createRoom, FULL } from './redis-room.ts'
import type { RedisAddress } from './redis-url.ts'
import type { Shared } from './shared.ts'

export interface RedisSharedOptions {
  readonly address: RedisAddress
  /** Before every key and the channel. */
  readonly prefix: string
  readonly log: StateLog
  /** Milliseconds that a call waits for its answer, 50 if not given. */
  readonly deadlineMs?: number
  readonly onCall?: OnCall | undefined
  /** Whether its user also needs the rights for `redis-streams.ts`. */
  readonly hasStreams?: boolean
}

// A value that is no number is not ours, and is replaced. Where counting is denied the number stays: if it began anew,
// a mark of before would be in force again.
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

/** Redis takes whole milliseconds, from 1. */
const life = (ms: number): number => Math.max(1, Math.round(ms))

type Commands = Pick<Shared, 'put' | 'remove' | 'add' | 'acquire' | 'renew' | 'release' | 'publish'>

const createCommands = (ask: Link['ask'], prefix: string, channel: string): Commands => {
  const script = async (
    client: RedisClient,
    source: string,
    key: string,
    ...args: readonly (string | number)[]
  ): Promise<number> => Number(await client.eval(source, 1, prefix + key, ...args))

  return {
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
    }
  }
}

export interface RedisShared extends Shared {
  /** Another connection to the same Redis was refused a command, with this code. */
  readonly refused: (code: string) => void
}

export const createRedisShared = (options: RedisSharedOptions): RedisShared => {
  const { address, prefix, log, deadlineMs, onCall, hasStreams = false } = options
  const channel = prefix + CHANNEL
  let isStarted = false
  let isClosed = false

  const listeners = createListeners(log)
  const onChange = (): void =>
    listeners.setConnected(isStarted && link.isUp() && messages.isSubscribed())
  const onLinkChange = (): void => {
    onChange()
    void rights.check()
  }
  const link = createLink({
    address,
    log,
    deadlineMs,
    onCall,
    onRefused: (code) => room.refused(code),
    onChange: onLinkChange
  })
  const onRoom = (): void => link.forgetRefusals(FULL)
  const room = createRoom({ ask: link.ask, prefix, log, onRoom })
  const messages = createMessages({
    address,
    channel,
    onMessage: (text) => {
      if (isStarted) listeners.receive(text)
    },
    onChange,
    onDenied: () => rights.logDenied()
  })
  const rights = createRightsCheck({
    ask: link.ask,
    prefix,
    channel,
    hasStreams,
    log,
    // Only after the start, and so in a service: a command ends soon, and would leave the keys of its tries behind.
    isWanted: () => isStarted && link.isUp(),
    maySubscribe: () => !messages.isDenied()
  })

  return {
    isUp: link.isUp,
    denied: rights.denied,
    isFull: room.isFull,
    refused: room.refused,
    getMany: createReads({ ...link, prefix, isCluster: address.kind === 'cluster' }),
    ...createCommands(link.ask, prefix, channel),
    onMessage: listeners.onMessage,
    onReconnect: listeners.onReconnect,

    start: () => {
      isStarted = true
      onLinkChange()
    },

    close: async () => {
      if (isClosed) return
      isClosed = true
      listeners.setConnected(false)
      messages.close()
      room.close()
      link.close()
    }
  }
}
