/**
 * Which commands Redis does not let this service use. Rule: each that is needed is really tried, on keys of our own that
 * end by themselves, since no user may ask Redis for its own rights (ACL DRYRUN is for administrators).
 */
import { randomUUID } from 'node:crypto'
import { SHARED_KEYS } from './namespaces.ts'
import { isDenied, ping, type RedisClient } from './redis-client.ts'

type Tries = readonly (readonly [
  command: string,
  send: (client: RedisClient) => Promise<unknown>
])[]

/** A command within the deadline of any other; rejects where it is not answered. */
type Ask = <T>(send: (client: RedisClient) => Promise<T>) => Promise<T>

const LIFE_MS = 10_000

const HASH_WITH_END = `
  redis.call('HSET', KEYS[1], 'field', 'value')
  return redis.call('PEXPIRE', KEYS[1], ARGV[1])`

const triesOn = (prefix: string, channel: string): Tries => {
  // One node of a cluster has both.
  const text = `${prefix}${SHARED_KEYS.check.prefix}${randomUUID()}}`
  const hash = `${text}:hash`
  return [
    ['ping', (client) => ping(client)],
    ['set', (client) => client.set(text, '0', 'PX', LIFE_MS, 'NX')],
    ['incrby', (client) => client.incrby(text, 1)],
    ['pexpire', (client) => client.pexpire(text, LIFE_MS)],
    ['get', (client) => client.get(text)],
    ['getrange', (client) => client.getrange(text, 0, 0)],
    ['scan', (client) => client.scan(0, 'MATCH', text, 'COUNT', 1)],
    ['del', (client) => client.del(text)],
    // With its end from the first moment on; what follows leaves that as it is.
    ['eval', (client) => client.eval(HASH_WITH_END, 1, hash, LIFE_MS)],
    ['hset', (client) => client.hset(hash, 'field', 'value')],
    ['pexpire', (client) => client.pexpire(hash, LIFE_MS)],
    ['hget', (client) => client.hget(hash, 'field')],
    ['hmget', (client) => client.hmget(hash, 'field')],
    ['hscan', (client) => client.hscan(hash, 0, 'COUNT', 1)],
    ['hdel', (client) => client.hdel(hash, 'field')],
    ['del', (client) => client.del(hash)],
    // No message of ours is empty: nobody takes it for one.
    ['publish', (client) => client.publish(channel, '')]
  ]
}

/** The names of those that are denied; rejects where one is not answered. */
export const deniedCommands = async (
  ask: Ask,
  prefix: string,
  channel: string
): Promise<readonly string[]> => {
  const denied = new Set<string>()
  // One after the other: what a cluster sends elsewhere could otherwise be done after what follows it, and stay.
  for (const [command, send] of triesOn(prefix, channel)) {
    const error = await ask((client) =>
      send(client).then(
        () => undefined,
        (refusal: unknown) => refusal
      )
    )
    // What is full or only reads just now denies nothing: the calls themselves say so.
    if (isDenied(error)) denied.add(command)
  }
  return [...denied]
}
