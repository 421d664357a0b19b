/**
 * Changes of which the intent is on record and no outcome: whoever made them was killed in between, or still works. Rule:
 * no more are held than a bound; what is beyond it is counted as open.
 */
import { recordIn } from './record.ts'

/** An intent without an outcome. */
export interface OpenIntent {
  readonly file: string
  readonly line: number
  readonly time: string
  readonly action: string
  /** Of the secret, or of the bot, provider or channel. */
  readonly object: string
}

export interface Intents {
  readonly take: (file: string, bytes: Buffer, line: number) => void
  readonly open: () => { readonly intents: readonly OpenIntent[]; readonly count: number }
}

const HELD_MAX = 10_000
const SHOWN_MAX = 100
/** Most lines are reads, which change nothing. */
const READ = '"action":"secret.read"'
// {"time":"2026-03-01T12:00:00.000Z","action":
const ACTION_START = 35

export const createIntents = (): Intents => {
  const held = new Map<string, OpenIntent>()
  let beyond = 0
  return {
    take: (file, bytes, line) => {
      if (bytes.toString('latin1', ACTION_START, ACTION_START + READ.length) === READ) return
      const record = recordIn(bytes.toString())
      if (record === undefined) return
      const { time, action, reason, requestId, reference, object: named } = record
      const object = reference ?? named ?? ''
      const key = JSON.stringify([requestId, action, object])
      if (reason !== 'intent') held.delete(key)
      else if (held.size < HELD_MAX) held.set(key, { file, line, time, action, object })
      else beyond++
    },
    open: () => ({
      intents: [...held.values()].slice(0, SHOWN_MAX),
      count: held.size + beyond
    })
  }
}
