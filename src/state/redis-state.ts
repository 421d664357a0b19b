/**
 * The state of any number of replicas, in Redis. Rule: a change is one script on one pair of hashes, compared and made
 * at once; these hashes are the only keys without an end to their life; and Redis learns neither names nor values.
 *
 * For each space of keys (see redis-names.ts) two hashes: field -> sealed key, and field -> value, so that a list goes
 * through the names without moving the values. How durable a change is depends on how Redis is run.
 */
import type { Keyring } from '../crypto/keyring.ts'
import { createRedisCalls, type RedisCalls, type RedisCallsOptions } from './redis-calls.ts'
import { createRedisHeads } from './redis-heads.ts'
import {
  createEntryNames,
  type EntryNames,
  hashesOf,
  type Space,
  spaceOf,
  spacesUnder
} from './redis-names.ts'
import { scanLabels } from './redis-scan.ts'
import type { RedisAddress } from './redis-url.ts'
import { keyBytes, type NameCounts, type State, type StateEntry } from './state.ts'

export interface RedisStateOptions extends Pick<RedisCallsOptions, 'onCall' | 'onRefused'> {
  readonly address: RedisAddress
  readonly prefix: string
  /** Asked for at each operation: the key ring can be reloaded. */
  readonly keyring: () => Keyring
}

/** Names are read so many at a time, values as many as go into one answer without keeping others waiting. */
const NAMES_AT_A_TIME = 500
const VALUES_AT_A_TIME = 20
/** Losing a race needs another writer to win it: so many losses in a row are not a race. */
const MAX_ATTEMPTS = 100

// KEYS: names, values. ARGV: is something expected, what; is there something next, what; its label; fields, active
// first. What may be refused for want of memory comes first, so that a refused change has changed nothing.
const COMPARE_AND_SET = `local found = false
for i = 6, #ARGV do
  found = redis.call('HGET', KEYS[2], ARGV[i])
  if found then break end
end
if ARGV[1] == '0' then
  if found then return 0 end
elseif not found or found ~= ARGV[2] then
  return 0
end
local former = 7
if ARGV[3] == '0' then
  former = 6
else
  redis.call('HSET', KEYS[1], ARGV[6], ARGV[5])
  redis.call('HSET', KEYS[2], ARGV[6], ARGV[4])
end
for i = former, #ARGV do
  redis.call('HDEL', KEYS[1], ARGV[i])
  redis.call('HDEL', KEYS[2], ARGV[i])
end
return 1`

const EMPTY = Buffer.alloc(0)
const flag = (value: Buffer | undefined): '0' | '1' => (value === undefined ? '0' : '1')

interface EntryName {
  readonly space: Space
  readonly field: string
  /** Undefined if the label cannot be opened. */
  readonly key: string | undefined
  readonly isCurrent: boolean
}

interface EntryAccess extends Pick<RedisCalls, 'call'> {
  readonly prefix: string
  readonly names: EntryNames
}

const get = async (
  { call, prefix, names }: EntryAccess,
  key: string
): Promise<Buffer | undefined> => {
  keyBytes(key)
  const { values } = hashesOf(prefix, spaceOf(key))
  const found = await call((client) => client.hmgetBuffer(values, ...names.fieldsOf(key)))
  return found.find((value) => value !== null) ?? undefined
}

const compareAndSet = async (
  { call, prefix, names }: EntryAccess,
  key: string,
  expected: Buffer | undefined,
  next: Buffer | undefined
): Promise<boolean> => {
  keyBytes(key)
  const hashes = hashesOf(prefix, spaceOf(key))
  const fields = names.fieldsOf(key)
  const label = next === undefined ? EMPTY : names.labelOf(key, fields[0])
  const change = [flag(expected), expected ?? EMPTY, flag(next), next ?? EMPTY, label]
  const done = await call((client) =>
    client.eval(COMPARE_AND_SET, 2, hashes.names, hashes.values, ...change, ...fields)
  )
  return done === 1
}

/** Every entry of the spaces once. */
async function* namesIn(
  { call, prefix, names }: EntryAccess,
  spaces: readonly Space[]
): AsyncGenerator<EntryName> {
  for (const space of spaces) {
    const seen = new Set<string>()
    for await (const labels of scanLabels(call, prefix, space, NAMES_AT_A_TIME)) {
      for (const { field, label } of labels) {
        if (seen.has(field)) continue
        seen.add(field)
        const key = names.keyOf(space, field, label)
        yield { space, field, key, isCurrent: names.isCurrent(space, label) }
      }
    }
  }
}

/**
 * The entries whose key starts with the text and comes after the other, in the order of the bytes of their keys. A hash has no
 * order: all names of the space are gone through, and only values that are wanted are moved.
 */
const sorted = async (access: EntryAccess, start: string, after: string | undefined) => {
  const found = new Map<string, { key: string; bytes: Buffer; space: Space; field: string }>()
  const last = Buffer.from(after ?? '')
  for await (const { space, key, field } of namesIn(access, spacesUnder(start))) {
    if (!key?.startsWith(start)) continue
    const bytes = Buffer.from(key)
    if (Buffer.compare(bytes, last) > 0) found.set(key, { key, bytes, space, field })
  }
  return [...found.values()].sort((a, b) => Buffer.compare(a.bytes, b.bytes))
}

async function* list(
  access: EntryAccess,
  start: string,
  after?: string
): AsyncGenerator<StateEntry> {
  const { call, prefix } = access
  const entries = await sorted(access, start, after)
  for (let i = 0; i < entries.length; i += VALUES_AT_A_TIME) {
    const page = entries.slice(i, i + VALUES_AT_A_TIME)
    const values = await call((client) =>
      Promise.all(
        page.map(({ space, field }) => client.hgetBuffer(hashesOf(prefix, space).values, field))
      )
    )
    for (const [n, { key }] of page.entries()) {
      // Its field is another one if a key ring with another active key has written it since.
      const value = values[n] ?? (await get(access, key))
      if (value !== undefined) yield { key, value }
    }
  }
}

/** Writing an entry puts it under the active encryption key: the same value does. */
const moveName = async (access: EntryAccess, key: string): Promise<boolean> => {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const value = await get(access, key)
    if (value === undefined) return false
    if (await compareAndSet(access, key, value, value)) return true
  }
  throw new Error('the state in Redis is changed by others without pause')
}

const rewrapNames = async (access: EntryAccess): Promise<NameCounts> => {
  const counts = { moved: 0, unreadable: 0 }
  for await (const { key, isCurrent } of namesIn(access, spacesUnder(''))) {
    if (key === undefined) counts.unreadable++
    else if (!isCurrent && (await moveName(access, key))) counts.moved++
  }
  return counts
}

const countUnreadable = async (access: EntryAccess): Promise<number> => {
  let count = 0
  for await (const { key } of namesIn(access, spacesUnder(''))) if (key === undefined) count++
  return count
}

export const createRedisState = (options: RedisStateOptions): State => {
  const { address, prefix, keyring, onCall, onRefused } = options
  const { call, close } = createRedisCalls(address, { onCall, onRefused })
  const names = createEntryNames(keyring)
  const access: EntryAccess = { call, prefix, names }
  return {
    ...createRedisHeads({ call, prefix, names, keyring }),
    get: (key) => get(access, key),
    compareAndSet: (key, expected, next) => compareAndSet(access, key, expected, next),
    list: (start, after) => list(access, start, after),
    rewrapNames: () => rewrapNames(access),
    countUnreadable: () => countUnreadable(access),
    close
  }
}
