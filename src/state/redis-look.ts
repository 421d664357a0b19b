/**
 * What a Redis says of itself and of the rights of its user, for whoever examines an installation. Rule: each question
 * has its deadline, and of an answer only what is asked for is kept; of a failure a code.
 */
import type { Redis } from 'ioredis'
import { Cluster } from 'ioredis'
import { skewOf } from '../core/clock-skew.ts'
import { withDeadline } from './deadline.ts'
import { CHANNEL } from './namespaces.ts'
import { createRedisCalls, type RedisCalls } from './redis-calls.ts'
import { isDenied, openSubscriber, ping, type RedisClient } from './redis-client.ts'
import { deniedCommands } from './redis-rights.ts'
import type { RedisAddress } from './redis-url.ts'

/** Somebody waits for the whole of it, and no request does. */
const DEADLINE_MS = 3_000

export interface RedisLook {
  /** Why it does not answer, as a code; undefined: it does. */
  readonly failure: string | undefined
  /** INFO of the server, or of each master of a cluster; empty if it may not be asked. */
  readonly infos: readonly ReadonlyMap<string, string>[]
  /** Commands that are needed and denied. */
  readonly denied: readonly string[]
  /** Whether its user may ask for and so change the rights of users, which no service needs. */
  readonly mayAdminister: boolean
  /** Whether it answers who shows no password; undefined: not known. */
  readonly isOpenToAll: boolean | undefined
  /** How far its clock is before ours, in milliseconds. */
  readonly skewMs: number | undefined
}

const FIELDS =
  /^(redis_version|role|server_time_usec|aof_\w+|rdb_last_bgsave_status|maxmemory|maxmemory_policy|used_memory):([\w.-]+)\r?$/gm

const fieldsOf = (text: string): ReadonlyMap<string, string> =>
  new Map([...text.matchAll(FIELDS)].map(([, name = '', value = '']) => [name, value]))

const serversOf = (client: RedisClient): readonly Redis[] =>
  client instanceof Cluster ? client.nodes('master') : [client]

/** The code in the sentence with which a call fails. */
const codeIn = (error: unknown): string =>
  /\(([A-Z][A-Z0-9_]+)\)$/.exec(error instanceof Error ? error.message : '')?.[1] ?? 'UNKNOWN'

const maySubscribe = async (address: RedisAddress, channel: string): Promise<boolean> => {
  const client = openSubscriber(address, () => {})
  try {
    return await withDeadline(
      DEADLINE_MS,
      async () => {
        if (client.status !== 'ready') await new Promise<void>((done) => client.once('ready', done))
        return client.subscribe(channel).then(
          () => true,
          (error: unknown) => !isDenied(error)
        )
      },
      () => new Error('late')
    )
  } finally {
    client.disconnect()
  }
}

const withoutLogin = (address: RedisAddress): RedisAddress => {
  const { username: _username, password: _password, ...rest } = address
  return rest as RedisAddress
}

/** Told that it is nobody, a Redis with a password answers NOAUTH. */
const isOpenToAll = async (address: RedisAddress): Promise<boolean | undefined> => {
  const calls = createRedisCalls(withoutLogin(address), { deadlineMs: DEADLINE_MS })
  try {
    await calls.call(ping)
    return true
  } catch (error) {
    return codeIn(error) === 'NOAUTH' ? false : undefined
  } finally {
    await calls.close()
  }
}

/** Only an answer counts: what is denied rejects like what fails. */
const isAnswered = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => true,
    () => false
  )

/** A denied PING is an answer all the same. */
const requireAnswer = async ({ call }: RedisCalls): Promise<void> => {
  await call(ping).catch((error: unknown) => {
    if (codeIn(error) !== 'NOPERM') throw error
  })
}

const infosOf = async ({ call }: RedisCalls): Promise<readonly ReadonlyMap<string, string>[]> => {
  const ask = (client: RedisClient): Promise<string[]> =>
    Promise.all(serversOf(client).map((server) => server.info()))
  return (await call(ask).catch(() => [])).map(fieldsOf)
}

/** Of several servers the one that is furthest away. */
const furthest = (
  infos: readonly ReadonlyMap<string, string>[],
  asked: number,
  answered: number
): number | undefined => {
  const skews = infos
    .map((info) => info.get('server_time_usec'))
    .filter((text) => text !== undefined)
    .map((text) => skewOf(Number(text) / 1000, 0, asked, answered))
  return skews.length === 0
    ? undefined
    : skews.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a))
}

export interface RedisLookOptions {
  readonly address: RedisAddress
  /** REDIS_KEY_PREFIX. */
  readonly prefix: string
  /** Whether the audit trail is kept there too. */
  readonly hasStreams: boolean
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Never rejects for what Redis does or does not do. */
export const lookAtRedis = async (options: RedisLookOptions): Promise<RedisLook> => {
  const { address, prefix, hasStreams, now } = options
  const channel = prefix + CHANNEL
  const nothing = { infos: [], denied: [], mayAdminister: false, skewMs: undefined }
  const calls = createRedisCalls(address, { deadlineMs: DEADLINE_MS })
  try {
    await requireAnswer(calls)
    const asked = now()
    const infos = await infosOf(calls)
    const skewMs = furthest(infos, asked, now())
    const denied = await deniedCommands(calls.call, { prefix, channel, hasStreams })
    const hears = await maySubscribe(address, channel)
    return {
      failure: undefined,
      infos,
      denied: hears ? denied : [...denied, 'subscribe'],
      mayAdminister: await isAnswered(
        calls.call(async (client) => Promise.all(serversOf(client).map((one) => one.acl('WHOAMI'))))
      ),
      isOpenToAll: await isOpenToAll(address),
      skewMs
    }
  } catch (error) {
    return { failure: codeIn(error), ...nothing, isOpenToAll: undefined }
  } finally {
    await calls.close()
  }
}
