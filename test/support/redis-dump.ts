/**
 * What someone finds who holds all of a Redis: every key with what stands under it, and what goes through as messages.
 * Rule: bytes as they are; what is looked for is looked for in keys, fields and values alike.
 */
import type { Redis } from 'ioredis'
import type { Test } from 'tap'
import type { Canary } from './canary.ts'

export interface Dumped {
  readonly key: string
  readonly type: string
  /** Undefined: it stays until someone removes it. */
  readonly ttlMs: number | undefined
  /** All that stands under it: the value, or members, fields, scores. */
  readonly parts: readonly Buffer[]
}

const COMMANDS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  string: ['GET'],
  hash: ['HGETALL'],
  list: ['LRANGE', '0', '-1'],
  set: ['SMEMBERS'],
  zset: ['ZRANGE', '0', '-1', 'WITHSCORES'],
  stream: ['XRANGE', '-', '+']
}

const flat = (answer: unknown): Buffer[] => {
  if (Buffer.isBuffer(answer)) return [answer]
  return Array.isArray(answer) ? answer.flatMap(flat) : []
}

const partsOf = async (redis: Redis, key: string, type: string): Promise<Buffer[]> => {
  const [command, ...rest] = COMMANDS[type] ?? []
  if (command === undefined) throw new Error(`a dump of type ${type} is not written yet`)
  return flat(await redis.callBuffer(command, key, ...rest))
}

/** Every key of every database in use, in the order of their names. */
export const dumpOf = async (redis: Redis): Promise<Dumped[]> => {
  const keys = new Set<string>()
  let cursor = '0'
  do {
    const [next, page] = await redis.scan(cursor, 'COUNT', 1_000)
    for (const key of page) keys.add(key)
    cursor = next
  } while (cursor !== '0')
  const dumped: Dumped[] = []
  for (const key of [...keys].sort()) {
    const type = await redis.type(key)
    // It may have come to its end between one command and the next.
    if (type === 'none') continue
    const ttl = await redis.pttl(key)
    const parts = await partsOf(redis, key, type)
    dumped.push({ key, type, ttlMs: ttl < 0 ? undefined : ttl, parts })
  }
  return dumped
}

/** Where a canary stands, and in which spelling: empty is what a test wants. */
export const leaksIn = (
  texts: Iterable<readonly [place: string, text: string | Buffer]>,
  canaries: Readonly<Record<string, Canary>>
): string[] => {
  const leaks: string[] = []
  for (const [place, text] of texts) {
    for (const [name, { findIn }] of Object.entries(canaries)) {
      for (const spelling of findIn(text)) leaks.push(`${name} stands ${spelling} in ${place}`)
    }
  }
  return leaks
}

/** All of a dump that can be looked through: each key's name and each of its parts. */
export const textsOf = (dump: readonly Dumped[]): (readonly [string, string | Buffer])[] =>
  dump.flatMap(({ key, parts }) => [
    [`the key ${key}`, key] as const,
    ...parts.map((part) => [`what stands under ${key}`, part] as const)
  ])

/** Listens to every message of every channel for as long as the test runs; the channels' names count as well. */
export const listenToAll = async (
  t: Test,
  redis: Redis
): Promise<readonly (readonly [string, Buffer])[]> => {
  const heard: (readonly [string, Buffer])[] = []
  const subscriber = redis.duplicate()
  subscriber.on('error', () => {})
  t.teardown(() => subscriber.disconnect())
  subscriber.on('pmessageBuffer', (_pattern: Buffer, channel: Buffer, message: Buffer) => {
    heard.push(['the name of a channel', Buffer.from(channel)])
    heard.push([`a message of ${channel}`, message])
  })
  await subscriber.psubscribe('*')
  return heard
}
