/**
 * What is kept in Redis, without opening it: how each entry begins, and what is left under former encryption keys.
 * Rule: Redis is asked in small steps, and of a value only its beginning leaves it.
 */
import { Cluster } from 'ioredis'
import type { Keyring } from '../crypto/keyring.ts'
import { kidOfEnvelope } from '../crypto/sealer.ts'
import type { RedisCalls } from './redis-calls.ts'
import { type EntryNames, hashesOf, type Space, spacesUnder } from './redis-names.ts'
import { type Label, scanLabels } from './redis-scan.ts'
import { HEAD_BYTES, type State, type StateHead } from './state.ts'

export interface RedisHeadsOptions {
  readonly call: RedisCalls['call']
  readonly prefix: string
  readonly names: EntryNames
  readonly keyring: () => Keyring
}

const NAMES_AT_A_TIME = 50
const KEYS_AT_A_TIME = 500
const NO_BYTES = Buffer.alloc(0)

// KEYS: values. ARGV: how many bytes, fields.
const HEADS = `local heads = {}
for i = 2, #ARGV do
  local value = redis.call('HGET', KEYS[1], ARGV[i])
  heads[i - 1] = value and string.sub(value, 1, tonumber(ARGV[1])) or ''
end
return heads`

/** What stands for itself in a pattern of SCAN. */
const literally = (text: string): string => text.replace(/[*?[\]\\^-]/g, '\\$&')

const valuesOf = async (
  { call, prefix }: RedisHeadsOptions,
  space: Space,
  labels: readonly Label[]
): Promise<Buffer[]> => {
  const { values } = hashesOf(prefix, space)
  const fields = labels.map(({ field }) => field)
  const found = await call((client) =>
    client.callBuffer('eval', HEADS, 1, values, HEAD_BYTES, ...fields)
  )
  return found as Buffer[]
}

async function* headsIn(options: RedisHeadsOptions, space: Space): AsyncGenerator<StateHead> {
  const { call, prefix, names } = options
  for await (const labels of scanLabels(call, prefix, space, NAMES_AT_A_TIME)) {
    const values = await valuesOf(options, space, labels)
    for (const [i, { field, label }] of labels.entries()) {
      const key = names.keyOf(space, field, label)
      const value = values[i] ?? NO_BYTES
      yield { space, key, value, ...(label.length > 0 && { name: label }) }
    }
  }
}

/** Where replicas could put an envelope: a plain value, of this prefix. */
interface SharedHead {
  readonly key: string
  readonly value: Buffer
}

/** The plain values of the prefix; of a cluster on each of its masters. */
async function* sharedHeads({ call, prefix }: RedisHeadsOptions): AsyncGenerator<SharedHead> {
  const pattern = `${literally(prefix)}*`
  const masters = await call(async (client) =>
    client instanceof Cluster ? client.nodes('master') : [client]
  )
  for (const master of masters) {
    let cursor = '0'
    do {
      const [next, keys] = await call(() =>
        master.scan(cursor, 'MATCH', pattern, 'COUNT', KEYS_AT_A_TIME, 'TYPE', 'string')
      )
      cursor = next
      const values = await call(() =>
        Promise.all(keys.map((key) => master.getrangeBuffer(key, 0, HEAD_BYTES - 1)))
      )
      for (const [i, key] of keys.entries()) yield { key, value: values[i] ?? NO_BYTES }
    } while (cursor !== '0')
  }
}

const discardIn = async (
  { call, prefix, names }: RedisHeadsOptions,
  space: Space,
  kid: string
): Promise<number> => {
  const hashes = hashesOf(prefix, space)
  let discarded = 0
  for await (const labels of scanLabels(call, prefix, space, NAMES_AT_A_TIME)) {
    const fields = labels
      .filter(({ label }) => kidOfEnvelope(label) === kid)
      .filter(({ field, label }) => names.keyOf(space, field, label) === undefined)
      .map(({ field }) => field)
    if (fields.length === 0) continue
    await call((client) =>
      Promise.all([hashes.names, hashes.values].map((hash) => client.hdel(hash, ...fields)))
    )
    discarded += fields.length
  }
  return discarded
}

export const createRedisHeads = (
  options: RedisHeadsOptions
): Required<Pick<State, 'heads' | 'discardNames' | 'dropFormerCache'>> => ({
  heads: async function* () {
    for (const space of spacesUnder('')) yield* headsIn(options, space)
    for await (const { value } of sharedHeads(options)) {
      yield { space: 'shared', key: undefined, value }
    }
  },

  discardNames: async (kid) => {
    let discarded = 0
    for (const space of spacesUnder('')) discarded += await discardIn(options, space, kid)
    return discarded
  },

  dropFormerCache: async () => {
    const { call, keyring } = options
    let dropped = 0
    // Refused logins are sealed like cached secrets, and looked for under the active key alone as well.
    for await (const { key, value } of sharedHeads(options)) {
      const kid = kidOfEnvelope(value)
      if (kid === undefined || kid === keyring().active.kid) continue
      dropped += await call((client) => client.del(key))
    }
    return dropped
  }
})
