/**
 * Numbered values in streams, as the audit trail keeps them in Redis. Rule: a value has the number that its writer gave
 * it, so that the same one put twice is there once; no stream is without an end to its life.
 */
import { SHARED_KEYS } from './namespaces.ts'
import { createRedisCalls, type RedisCallsOptions } from './redis-calls.ts'
import { isReply, type RedisClient } from './redis-client.ts'
import type { RedisAddress } from './redis-url.ts'

export interface StreamEntry {
  readonly number: number
  readonly value: Buffer
}

export interface StreamEnds {
  readonly oldest: StreamEntry
  readonly newest: StreamEntry
}

export interface Streams {
  /**
   * Puts the entry at the end of its stream. `taken`: something else stands there or behind it. Rejects with an `Error`
   * that has a `code`: it may then be there or not.
   */
  readonly append: (stream: string, entry: StreamEntry) => Promise<'done' | 'taken'>
  /** Drops what is older than that number, and lets the stream live for so long from now. */
  readonly keep: (stream: string, from: number, lifeMs: number) => Promise<void>
  readonly ends: (stream: string) => Promise<StreamEnds | undefined>
  /** Of that number and before, the newest first; none after the oldest. */
  readonly before: (stream: string, number: number, count: number) => Promise<StreamEntry[]>
  readonly close: () => Promise<void>
}

export interface StreamsOptions extends RedisCallsOptions {
  readonly address: RedisAddress
  /** REDIS_KEY_PREFIX. */
  readonly prefix: string
}

const FIELD = 'e'
const idOf = (number: number): string => `${number}-1`

/** What Redis answers, of which somebody else may have put anything there. */
type Raw = readonly [id: Buffer, fields: readonly Buffer[]]

const entryOf = ([id, fields]: Raw): StreamEntry => {
  const [, digits] = /^([1-9]\d{0,14})-1$/.exec(id.toString('latin1')) ?? []
  const value = fields[1]
  if (digits !== undefined && value !== undefined) return { number: Number(digits), value }
  throw new Error('a stream has an entry that is not ours')
}

const entriesOf = (raw: unknown): StreamEntry[] => (raw as readonly Raw[]).map(entryOf)

/** Redis takes only what comes after the last entry. */
const isTaken = (error: unknown): boolean =>
  isReply(error) && (error as Error).message.includes('equal or smaller')

export const createStreams = ({ address, prefix, ...options }: StreamsOptions): Streams => {
  const { call, close } = createRedisCalls(address, options)
  const keyOf = (stream: string): string => `${prefix}${SHARED_KEYS.audit.prefix}${stream}`

  const isThere = async (client: RedisClient, key: string, { number, value }: StreamEntry) => {
    const id = idOf(number)
    const [found] = entriesOf(await client.xrangeBuffer(key, id, id))
    return found?.value.equals(value) === true
  }

  return {
    append: (stream, entry) =>
      call(async (client) => {
        const key = keyOf(stream)
        try {
          await client.xadd(key, idOf(entry.number), FIELD, entry.value)
          return 'done'
        } catch (error) {
          if (!isTaken(error)) throw error
          return (await isThere(client, key, entry)) ? 'done' : 'taken'
        }
      }),

    keep: async (stream, from, lifeMs) => {
      const key = keyOf(stream)
      await call((client) =>
        Promise.all([client.xtrim(key, 'MINID', idOf(from)), client.pexpire(key, lifeMs)])
      )
    },

    ends: async (stream) => {
      const key = keyOf(stream)
      const [first, last] = await call((client) =>
        Promise.all([
          client.xrangeBuffer(key, '-', '+', 'COUNT', 1),
          client.xrevrangeBuffer(key, '+', '-', 'COUNT', 1)
        ])
      )
      const [oldest, newest] = [...entriesOf(first), ...entriesOf(last)]
      return oldest === undefined || newest === undefined ? undefined : { oldest, newest }
    },

    before: async (stream, number, count) => {
      const key = keyOf(stream)
      return entriesOf(
        await call((client) => client.xrevrangeBuffer(key, idOf(number), '-', 'COUNT', count))
      )
    },

    close
  }
}
