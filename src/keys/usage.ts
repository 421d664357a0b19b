/**
 * When each API key was seen first and used last, by key id, so that an operator knows who still uses what. Rule: the
 * way of a request notes a use in memory and goes on; it is written in the background, at most once a minute for each
 * key, and a write that fails is lost. No key's text is kept, and nothing of a key that was not used for more than a
 * year, or of one of a login that has ended; what is kept is sealed, since it says who a client is.
 */
import { type Static, Type } from 'typebox'
import { fitting } from '../core/fits.ts'
import { asJson } from '../core/json.ts'
import { ENVIRONMENTS, MODES, type Principal } from '../core/principal.ts'
import { kidOfEnvelope, type Sealer } from '../crypto/sealer.ts'
import { CLOCKS_DIFFER_MS, type Leftovers, passedSurely } from '../state/leftovers.ts'
import { lostSince } from '../state/lost-keys.ts'
import { STATE_SPACES } from '../state/namespaces.ts'
import type { State } from '../state/state.ts'
import { isOfLogin } from './trust.ts'

const Moment = Type.String({ format: 'date-time' })

export const KeyUse = Type.Object({
  keyId: Type.String(),
  client: Type.String(),
  scopes: Type.Array(Type.String()),
  mode: Type.Enum(MODES),
  environment: Type.Enum(ENVIRONMENTS),
  kid: Type.String({ description: 'the encryption key that it was issued under' }),
  expiresAt: Type.Optional(Moment),
  via: Type.Optional(
    Type.Array(Type.String(), { description: 'the keys that it was issued by, oldest first' })
  ),
  networks: Type.Optional(
    Type.Array(Type.String(), { description: 'from where it may be used; anywhere if absent' })
  ),
  firstSeen: Moment,
  lastUsed: Type.String({ format: 'date-time', description: 'to the minute' })
})
export type KeyUse = Static<typeof KeyUse>

const shape = fitting(KeyUse)

interface SealedUses {
  readonly state: State
  readonly sealer: () => Sealer
}

export interface KeyUsage {
  /** Notes that the key was used at that time (milliseconds since the epoch). Costs an entry in a map. */
  readonly note: (principal: Principal, at: number) => void
  /** In the order of their ids, from the first after `after`. */
  readonly list: (after?: string) => AsyncIterable<KeyUse>
  readonly isKnown: (keyId: string) => Promise<boolean>
  /** Writes what was noted; to be called before the state is closed. */
  readonly close: () => Promise<void>
}

export interface KeyUsageOptions extends SealedUses {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Called for the first of the writes that fail in a row. */
  readonly onFailure: () => void
}

/** How often one use of a key is worth a write; milliseconds. */
export const NOTED_EVERY_MS = 60_000

/** How long uses are collected before they are written together. */
const WRITE_AFTER_MS = 1_000
const ATTEMPTS = 3
/** Longer than any span that the report on encryption keys may be asked for. */
const KEPT_MS = 400 * 24 * 3_600_000
const { prefix: PREFIX } = STATE_SPACES.usage

const isoTime = (ms: number): string => new Date(ms).toISOString()

const seal = (sealer: Sealer, key: string, use: KeyUse): Buffer =>
  sealer.seal('store', Buffer.from(JSON.stringify(use)), [key])

/** Undefined also for an entry under an encryption key that is gone: the next use of the API key writes it anew. */
const open = (sealer: Sealer, key: string, value: Buffer | undefined): KeyUse | undefined => {
  const opened = value && sealer.open('store', value, [key])
  if (opened === undefined) return undefined
  const use = asJson(opened.toString())
  return shape(use) ? use : undefined
}

/** Seals what there is under the active encryption key; resolves with how many entries that was. */
export const rewrapUses = async ({ state, sealer }: SealedUses): Promise<number> => {
  let rewrapped = 0
  for await (const { key, value } of state.list(PREFIX)) {
    const use = sealer().isUnderActiveKey(value) ? undefined : open(sealer(), key, value)
    // A key that is used meanwhile is written under the active encryption key anyway.
    if (use !== undefined && (await state.compareAndSet(key, value, seal(sealer(), key, use)))) {
      rewrapped++
    }
  }
  return rewrapped
}

const isOld = ({ lastUsed }: KeyUse, now: number): boolean => Date.parse(lastUsed) < now - KEPT_MS

/** Each login has a key of its own: who used it when, the trail says. */
const isOfEndedLogin = ({ via, expiresAt }: KeyUse, passed: number): boolean =>
  isOfLogin(via) && expiresAt !== undefined && Date.parse(expiresAt) + CLOCKS_DIFFER_MS <= passed

const lostKidOf = (sealer: Sealer, value: Buffer): string | undefined =>
  sealer.isUnderKnownKey(value) ? undefined : kidOfEnvelope(value)

/** The kids of lost encryption keys that uses stand under. */
const lostKidsIn = async (state: State, sealer: Sealer): Promise<ReadonlySet<string>> => {
  const kids = new Set<string>()
  for await (const { value } of state.list(PREFIX)) {
    const kid = lostKidOf(sealer, value)
    if (kid !== undefined) kids.add(kid)
  }
  return kids
}

/**
 * Of a use under an encryption key that is gone nobody can tell how old it is: it goes when its key has been lost for as
 * long as others are kept.
 */
export const oldUses = (sealer: () => Sealer): Leftovers => {
  const isOldUse: Leftovers['isOver'] = ({ key, value }, now) => {
    const use = open(sealer(), key, value)
    return use !== undefined && isOld(use, now)
  }
  const leftovers = { name: 'usage', prefix: PREFIX, isOver: isOldUse }
  return {
    ...leftovers,
    prepare: async (state, at, options) => {
      const kids = await lostKidsIn(state, sealer())
      const since = await lostSince(state, kids, at, options)
      const passed = await passedSurely(state, at)
      const isOver: Leftovers['isOver'] = (entry, now) => {
        const kid = lostKidOf(sealer(), entry.value)
        if (kid === undefined) {
          const use = open(sealer(), entry.key, entry.value)
          return use !== undefined && (isOld(use, now) || isOfEndedLogin(use, passed))
        }
        return (since.get(kid) ?? now) < now - KEPT_MS
      }
      return { ...leftovers, isOver }
    }
  }
}

interface Noted {
  readonly principal: Principal
  readonly at: number
}

const useOf = ({ principal, at }: Noted, former: KeyUse | undefined): KeyUse => {
  const { keyId, client, scopes, mode, environment, kid, expiresAt, via, networks } = principal
  return {
    keyId,
    client,
    scopes: [...scopes],
    mode,
    environment,
    kid,
    ...(expiresAt !== undefined && { expiresAt: isoTime(expiresAt * 1000) }),
    ...(via !== undefined && { via: [...via] }),
    ...(networks !== undefined && { networks: [...networks] }),
    firstSeen: former?.firstSeen ?? isoTime(at),
    lastUsed: isoTime(at)
  }
}

export const createKeyUsage = ({ state, sealer, now, onFailure }: KeyUsageOptions): KeyUsage => {
  let noted = new Map<string, Noted>()
  let timer: NodeJS.Timeout | undefined
  let writing = Promise.resolve()
  let isFailing = false

  const write = async (one: Noted): Promise<void> => {
    const key = PREFIX + one.principal.keyId
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const bytes = await state.get(key)
      const former = open(sealer(), key, bytes)
      // Another replica, or this one before the key left its memory, wrote within the minute.
      const isRecent =
        former !== undefined && Math.abs(one.at - Date.parse(former.lastUsed)) < NOTED_EVERY_MS
      if (isRecent && former.kid === one.principal.kid) return
      const next = seal(sealer(), key, useOf(one, former))
      if (await state.compareAndSet(key, bytes, next)) return
    }
  }

  const writeAll = async (batch: ReadonlyMap<string, Noted>): Promise<void> => {
    try {
      for (const one of batch.values()) await write(one)
      isFailing = false
    } catch {
      if (!isFailing) onFailure()
      isFailing = true
    }
  }

  /** One batch after the other, so that a slow state never has more than one to do. */
  const flush = (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    writing = writing.then(() => {
      const batch = noted
      noted = new Map()
      return writeAll(batch)
    })
    return writing
  }

  return {
    note: (principal, at) => {
      noted.set(principal.keyId, { principal, at })
      timer ??= setTimeout(() => void flush(), WRITE_AFTER_MS).unref()
    },

    list: async function* (after = '') {
      await flush()
      for await (const entry of state.list(PREFIX)) {
        const use = open(sealer(), entry.key, entry.value)
        if (use === undefined) continue
        if (!isOld(use, now()) && entry.key > PREFIX + after) yield use
      }
    },

    isKnown: async (keyId) => noted.has(keyId) || (await state.get(PREFIX + keyId)) !== undefined,

    close: flush
  }
}
