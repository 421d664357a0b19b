/**
 * How a line of the trail carries its place in a chain. Rule: every line that we write ends with
 * `"instance":…,"seq":…,"digest":…}`, the last one of a written group with `,"mac":…}` besides, so that a stranger
 * needs nothing but this file's rules to check it:
 *
 * - `instance` is one process from its start (or from a write that failed) on, `seq` counts its lines from 1.
 * - `digest` is SHA-256, in base64url, of the former line's digest (nothing for the first) and this line's bytes up to
 *   `,"digest"`.
 * - `mac` is HMAC-SHA256, in base64url, of that line's digest under the instance's present key, which is then stepped.
 *
 * A segment, what one instance wrote on one day, begins with a line of `"chain":"head"` and ends with `"chain":"seal"`.
 */
import type { FirstKey } from '../crypto/audit-key.ts'

/** A place in a chain, and what everything up to it comes to. */
export interface Anchor {
  readonly instance: string
  readonly seq: number
  /** Digest of the line `seq`. */
  readonly head: string
}

/** An anchor as something outside the trail knows it. */
export interface KnownAnchor extends Anchor {
  /** Whether its instance may have its files on another machine. */
  readonly mayBeElsewhere?: boolean
}

/** Of lines and what their digests and MACs are computed of; in each head. */
export const CHAIN_FORMAT = 1

export interface SegmentHead extends FirstKey {
  readonly format?: number
  readonly day: string
  /** Digest of the line before; absent from the first segment of an instance. */
  readonly from?: string
  /** How often the first key was stepped before. */
  readonly step: number
  /** What was last known to be on record before this instance began, as `formatAnchor` writes it. */
  readonly after?: string
  /** The last line that it found there, of which nobody may know whether it was acknowledged; in the same form. */
  readonly found?: string
}

export interface SegmentSeal {
  readonly day: string
  readonly firstSeq: number
  /** Of the line before the seal. */
  readonly lastSeq: number
  /** Digest of the line before the seal. */
  readonly head: string
  /** Lines of the segment, without the seal. */
  readonly count: number
}

export const INSTANCE = '[A-Za-z0-9_-]{11}'
const DIGEST = '[A-Za-z0-9_-]{43}'
/** No number beyond those that a program counts exactly. */
export const SEQ = '[1-9]\\d{0,14}'

export const INSTANCE_BYTES = 8

/** Records under one MAC, besides the head: no more lines than these can be what a kill leaves. */
export const GROUP_MAX = 1_000

const ANCHOR = new RegExp(`^(${INSTANCE}):(${SEQ}):(${DIGEST})$`)

/** `<instance>:<seq>:<head>`, as the log says it and `purser audit verify --head` takes it. */
export const formatAnchor = ({ instance, seq, head }: Anchor): string =>
  `${instance}:${seq}:${head}`

export const parseAnchor = (text: string): Anchor | undefined => {
  const found = ANCHOR.exec(text)
  if (found === null) return undefined
  const [, instance = '', seq, head = ''] = found
  return { instance, seq: Number(seq), head }
}

const withoutEnd = (line: object): string => JSON.stringify(line).slice(0, -1)

/** Both as all lines before their place is added: without the closing brace. */
export const headBody = (time: string, head: SegmentHead): string =>
  withoutEnd({ time, chain: 'head', format: CHAIN_FORMAT, ...head })

export const sealBody = (time: string, seal: SegmentSeal): string =>
  withoutEnd({ time, chain: 'seal', ...seal })

/** What is hashed of a line: all of it up to its digest. */
export const placed = (body: string, instance: string, seq: number): string =>
  `${body},"instance":"${instance}","seq":${seq}`

export interface Place {
  readonly instance: string
  readonly seq: number
  readonly digest: string
  readonly mac: string | undefined
  /** How many of the line's bytes are hashed. */
  readonly hashed: number
}

const END = new RegExp(
  `,"instance":"(${INSTANCE})","seq":(${SEQ})(,"digest":"(${DIGEST})"(?:,"mac":"(${DIGEST})")?\\})$`
)
/** No longer is the end that a place has. */
const END_MAX = 200

/** The place at the end of a line, without its line feed; undefined for what is no line of a chain. */
export const placeOf = (line: Buffer): Place | undefined => {
  const end = line.toString('latin1', Math.max(0, line.length - END_MAX))
  const found = END.exec(end)
  if (found === null) return undefined
  const [, instance = '', seq, rest = '', digest = '', mac] = found
  return { instance, seq: Number(seq), digest, mac, hashed: line.length - rest.length }
}

/** Whether a line is one of a chain's own rather than a record, without parsing it. */
export const isChainLine = (line: Buffer): boolean =>
  // {"time":"2026-03-01T12:00:00.000Z","chain":
  line.toString('latin1', 34, 43) === ',"chain":'
