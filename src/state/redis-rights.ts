/**
 * Which commands Redis does not let this service use. Rule: each that is needed is really tried, on keys of our own
 * that end by themselves, since no user may ask Redis for its own rights (ACL DRYRUN is for administrators).
 */
import { randomUUID } from 'node:crypto'
import type { StateLog } from './log.ts'
import { SHARED_KEYS } from './namespaces.ts'
import { isDenied, ping, type RedisClient } from './redis-client.ts'
import type { Link } from './redis-link.ts'

type Tries = readonly (readonly [
  command: string,
  send: (client: RedisClient) => Promise<unknown>
])[]

const LIFE_MS = 10_000

export interface RightsOptions {
  /** REDIS_KEY_PREFIX. */
  readonly prefix: string
  readonly channel: string
  /** Whether the audit trail is kept there too. */
  readonly hasStreams: boolean
}

const HASH_WITH_END = `
  redis.call('HSET', KEYS[1], 'field', 'value')
  return redis.call('PEXPIRE', KEYS[1], ARGV[1])`

/** A name for what is only tried, which nobody else has. */
export const checkKey = (prefix: string): string =>
  `${prefix}${SHARED_KEYS.check.prefix}${randomUUID()}}`

const ENTRY = '1-1'

/** What the sink of the audit trail needs besides. */
const triesOfStreams = (key: string): Tries => [
  ['xadd', (client) => client.xadd(key, ENTRY, 'e', '0')],
  ['pexpire', (client) => client.pexpire(key, LIFE_MS)],
  ['xtrim', (client) => client.xtrim(key, 'MINID', ENTRY)],
  ['xrange', (client) => client.xrange(key, ENTRY, ENTRY)],
  ['xrevrange', (client) => client.xrevrange(key, ENTRY, ENTRY)],
  ['del', (client) => client.del(key)]
]

const triesOn = ({ prefix, channel, hasStreams }: RightsOptions): Tries => {
  // One node of a cluster has both.
  const text = checkKey(prefix)
  const hash = `${text}:hash`
  return [
    ['ping', (client) => ping(client)],
    ['set', (client) => client.set(text, '0', 'PX', LIFE_MS, 'NX')],
    ['incrby', (client) => client.incrby(text, 1)],
    ['pexpire', (client) => client.pexpire(text, LIFE_MS)],
    ['get', (client) => client.get(text)],
    ['mget', (client) => client.mget(text)],
    ['getrange', (client) => client.getrange(text, 0, 0)],
    ['scan', (client) => client.scan(0, 'MATCH', text, 'COUNT', 1)],
    ['del', (client) => client.del(text)],
    // The hash ends by itself from its first moment on, and the commands after this one leave that as it is.
    ['eval', (client) => client.eval(HASH_WITH_END, 1, hash, LIFE_MS)],
    ['hset', (client) => client.hset(hash, 'field', 'value')],
    ['pexpire', (client) => client.pexpire(hash, LIFE_MS)],
    ['hget', (client) => client.hget(hash, 'field')],
    ['hmget', (client) => client.hmget(hash, 'field')],
    ['hscan', (client) => client.hscan(hash, 0, 'COUNT', 1)],
    ['hdel', (client) => client.hdel(hash, 'field')],
    ['del', (client) => client.del(hash)],
    // No message of ours is empty: nobody takes it for one.
    ['publish', (client) => client.publish(channel, '')],
    ...(hasStreams ? triesOfStreams(`${text}:stream`) : [])
  ]
}

/** The names of those that are denied; rejects where one is not answered. */
export const deniedCommands = async (
  ask: Link['ask'],
  options: RightsOptions
): Promise<readonly string[]> => {
  const denied = new Set<string>()
  // One after the other: a command that a cluster sends to another node could otherwise come after the `del` that
  // follows it, and leave its key.
  for (const [command, send] of triesOn(options)) {
    const error = await ask((client) =>
      send(client).then(
        () => undefined,
        (refusal: unknown) => refusal
      )
    )
    // A Redis that is full, or only reads at the moment, denies nothing: the calls themselves report that.
    if (isDenied(error)) denied.add(command)
  }
  return [...denied]
}

export interface RightsCheckOptions extends RightsOptions {
  readonly ask: Link['ask']
  readonly log: StateLog
  /** Whether the rights are to be looked at now. */
  readonly isWanted: () => boolean
  readonly maySubscribe: () => boolean
}

export interface RightsCheck {
  readonly denied: () => readonly string[]
  /** Logs the denied commands, once for each list of them. */
  readonly logDenied: () => void
  readonly check: () => Promise<void>
}

const AGAIN_MS = 1_000

export const createRightsCheck = (options: RightsCheckOptions): RightsCheck => {
  const { ask, log, isWanted, maySubscribe } = options
  let commands: readonly string[] = []
  let logged = ''
  const denied = (): readonly string[] => (maySubscribe() ? commands : [...commands, 'subscribe'])
  const logDenied = (): void => {
    const text = denied().join(' ')
    if (text === logged) return
    logged = text
    if (text === '') return
    log('error', 'Redis denies commands that are needed: see docs/redis.md for the rights', {
      commands: text
    })
  }
  const check = async (): Promise<void> => {
    if (!isWanted()) return
    try {
      commands = await deniedCommands(ask, options)
      logDenied()
    } catch {
      // If Redis is away, it is asked again when it is back; or else one answer was late.
      setTimeout(() => void check(), AGAIN_MS).unref()
    }
  }
  return { denied, logDenied, check }
}
