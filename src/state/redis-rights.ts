/**
 * Which commands Redis does not let this service use. Rule: each that is needed is really tried, on keys of our own that
 * end by themselves, since no user may ask Redis for its own rights (ACL DRYRUN is for administrators).
 */
import { randomUUID } from 'node:crypto'
import { isDenied, ping, type RedisClient } from './redis-client.ts'

type Tries = readonly (readonly [command: string, send: () => Promise<unknown>])[]

const LIFE_MS = 10_000

const triesOn = (client: RedisClient, prefix: string, channel: string): Tries => {
  // One node of a cluster has both.
  const text = `${prefix}{check:${randomUUID()}}`
  const hash = `${text}:hash`
  return [
    ['ping', () => ping(client)],
    ['set', () => client.set(text, '0', 'PX', LIFE_MS, 'NX')],
    ['incrby', () => client.incrby(text, 1)],
    ['pexpire', () => client.pexpire(text, LIFE_MS)],
    ['get', () => client.get(text)],
    ['getrange', () => client.getrange(text, 0, 0)],
    ['scan', () => client.scan(0, 'MATCH', text, 'COUNT', 1)],
    ['eval', () => client.eval("return redis.call('GET', KEYS[1])", 1, text)],
    ['del', () => client.del(text)],
    ['hset', () => client.hset(hash, 'field', 'value')],
    ['pexpire', () => client.pexpire(hash, LIFE_MS)],
    ['hget', () => client.hget(hash, 'field')],
    ['hmget', () => client.hmget(hash, 'field')],
    ['hscan', () => client.hscan(hash, 0, 'COUNT', 1)],
    ['hdel', () => client.hdel(hash, 'field')],
    ['del', () => client.del(hash)],
    // No message of ours is empty: nobody takes it for one.
    ['publish', () => client.publish(channel, '')]
  ]
}

/** The names of those that are denied; rejects where one is not answered. */
export const deniedCommands = async (
  client: RedisClient,
  prefix: string,
  channel: string
): Promise<readonly string[]> => {
  const denied = await Promise.all(
    triesOn(client, prefix, channel).map(([command, send]) =>
      send().then(
        () => [],
        (error: unknown) => {
          // What is full or only reads just now denies nothing: the calls themselves say so.
          return isDenied(error) ? [command] : []
        }
      )
    )
  )
  return [...new Set(denied.flat())]
}
