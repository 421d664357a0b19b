/**
 * Reads of values, as few commands as will do: what is asked within one turn of the event loop is one MGET, or in a Cluster
 * one for each part in braces, since a command there touches the keys of one node. Rule: it is sent behind everything else
 * of its turn, so that whoever takes a lease and looks finds what the last holder left.
 */
import type { RedisClient } from './redis-client.ts'
import type { Link } from './redis-link.ts'
import { type Shared, SharedUnavailable } from './shared.ts'

/** No command keeps Redis, which does one thing at a time, from others for long. */
const KEYS_MAX = 256

interface Batch {
  readonly keys: string[]
  readonly answer: Promise<readonly (Buffer | null)[]>
  readonly send: () => void
}

export interface ReadsOptions extends Pick<Link, 'ask' | 'beforeWrite' | 'isUp'> {
  readonly prefix: string
  readonly isCluster: boolean
}

/** By what a Cluster places a key, if not by all of it: cluster specification, "Hash tags". */
const IN_BRACES = /\{([^}]+)\}/

const createBatch = (ask: Link['ask'], withinMs: number | undefined): Batch => {
  const keys: string[] = []
  let send = (): void => {}
  const answer = new Promise<readonly (Buffer | null)[]>((resolve, reject) => {
    // What is no value of ours, as a list that somebody put there, is none to MGET either.
    const mget = (client: RedisClient) => client.mgetBuffer(keys)
    send = () => void ask(mget, withinMs).then(resolve, reject)
  })
  // Whoever asks for keys of two batches hears of the first that fails.
  answer.catch(() => {})
  return { keys, answer, send }
}

export const createReads = (options: ReadsOptions): Shared['getMany'] => {
  const { ask, beforeWrite, isUp, prefix, isCluster } = options
  const waiting = new Map<string, Batch>()

  const flush = (): void => {
    for (const { send } of waiting.values()) send()
    waiting.clear()
  }

  const batchFor = (key: string, withinMs: number | undefined): Batch => {
    const place = isCluster ? (IN_BRACES.exec(key)?.[1] ?? key) : ''
    const name = `${withinMs} ${place}`
    const known = waiting.get(name)
    if (known !== undefined && known.keys.length < KEYS_MAX) return known
    known?.send()
    const batch = createBatch(ask, withinMs)
    if (waiting.size === 0) beforeWrite(flush)
    waiting.set(name, batch)
    return batch
  }

  return async (keys, withinMs) => {
    if (keys.length === 0) return []
    if (!isUp()) throw new SharedUnavailable()
    const places = keys.map((key) => {
      const batch = batchFor(key, withinMs)
      return { batch, at: batch.keys.push(prefix + key) - 1 }
    })
    const values: (Buffer | undefined)[] = []
    for (const { batch, at } of places) values.push((await batch.answer)[at] ?? undefined)
    return values
  }
}
