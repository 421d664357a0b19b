/**
 * What is kept of segments that were purged: one line each, without a name of anybody, in a chain of their own. Rule: a
 * line counts only if a record of the trail, which was there before the segment went, vouches for it.
 */
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { asJson, isObject } from '../core/json.ts'
import { digestOf } from '../crypto/audit-key.ts'
import type { Anchor } from './chain-line.ts'
import { recordIn } from './record.ts'
import type { Segment } from './segment-check.ts'
import { PURGED_FILE } from './segments.ts'

const PURGE = '"action":"audit.purge"'
const VOUCHED = /^sha256:([A-Za-z0-9_-]{43})$/
const DAYS = /^audit (\d{4}-\d\d-\d\d)\.\.(\d{4}-\d\d-\d\d)$/

/** What a record `audit.purge` says. */
export interface Voucher {
  /** The digest in `purged.jsonl` that it vouches for. */
  readonly head: string
  readonly time: string
  /** YYYY-MM-DD: of the files that went. */
  readonly first: string
  readonly last: string
}

/** A record of a purge, and where it stands. */
export interface VouchingRecord extends Voucher {
  readonly instance: string
  readonly seq: number
}

/** Undefined for any other line. */
export const vouchedBy = (line: Buffer): Voucher | undefined => {
  // {"time":"2026-03-01T12:00:00.000Z","action":
  if (line.toString('latin1', 35, 35 + PURGE.length) !== PURGE) return undefined
  const { reason = '', object = '', time = '' } = recordIn(String(line)) ?? {}
  const head = VOUCHED.exec(reason)?.[1]
  const [, first = '', last = ''] = DAYS.exec(object) ?? []
  return head === undefined ? undefined : { head, time, first, last }
}

/** As the record has them. */
export const daysOnRecord = (first: string, last: string): string => `audit ${first}..${last}`

export interface PurgedSegment {
  readonly file: string
  readonly instance: string
  readonly firstSeq: number
  readonly lastSeq: number
  /** Digest of the line `lastSeq`. */
  readonly head: string
}

/** How far the lines are vouched for. */
export interface VouchedPart {
  /** Digest of the last such line, empty where there is none: what the next one hangs on. */
  readonly head: string
  readonly bytes: number
}

export interface Purged {
  /** By instance, the last line that went. */
  readonly anchors: ReadonlyMap<string, Anchor>
  readonly vouchedPart: VouchedPart
  /** YYYY-MM-DD: of the newest file that went, vouched for or not; undefined where none did. */
  readonly lastDay: string | undefined
  /** Digests that were asked for. */
  readonly vouched: ReadonlySet<string>
}

export const purgedSegment = (segment: Segment): PurgedSegment => {
  const { file, instance, firstSeq, lastSeq, digest: head } = segment
  return { file, instance, firstSeq, lastSeq, head }
}

/** The lines to add, and the digest that vouches for all up to the last of them. */
export const purgedLines = (
  former: string,
  segments: readonly PurgedSegment[]
): { readonly text: string; readonly head: string } => {
  let head = former
  let text = ''
  for (const segment of segments) {
    const body = JSON.stringify(segment).slice(0, -1)
    head = digestOf(head, body)
    text += `${body},"digest":"${head}"}\n`
  }
  return { text, head }
}

/**
 * On the disk before it resolves. What nothing vouches for goes: the record that vouches for the text would vouch for it
 * too.
 */
export const addPurged = async (
  folder: string,
  { bytes }: VouchedPart,
  text: string
): Promise<void> => {
  const handle = await open(join(folder, PURGED_FILE), 'a', 0o600)
  try {
    await handle.truncate(bytes)
    await handle.appendFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const asPurged = (line: string): PurgedSegment | undefined => {
  const parsed = asJson(line)
  return isObject(parsed) && typeof parsed['instance'] === 'string'
    ? (parsed as unknown as PurgedSegment)
    : undefined
}

/** `isVouched`: whether a record of the trail names the digest. What nothing vouches for is left out. */
export const readPurged = async (
  folder: string,
  isVouched: (head: string) => boolean
): Promise<Purged> => {
  const text = await readFile(join(folder, PURGED_FILE), 'utf8').catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return ''
      throw error
    }
  )
  const anchors = new Map<string, Anchor>()
  let waiting: Anchor[] = []
  let head = ''
  let bytes = 0
  let vouchedPart: VouchedPart = { head, bytes }
  let lastDay: string | undefined
  const vouched = new Set<string>()
  // What stands behind the last line feed was not written to its end.
  for (const line of text.split('\n').slice(0, -1)) {
    bytes += Buffer.byteLength(line) + 1
    const segment = line === '' ? undefined : asPurged(line)
    if (segment === undefined) continue
    const digest = digestOf(head, line.slice(0, line.lastIndexOf(',"digest":')))
    // Nothing after it can be vouched for: a digest is of all that stands before.
    if (!line.endsWith(`,"digest":"${digest}"}`)) break
    head = digest
    const day = segment.file.slice(0, 'YYYY-MM-DD'.length)
    if (lastDay === undefined || day > lastDay) lastDay = day
    waiting.push({ instance: segment.instance, seq: segment.lastSeq, head: segment.head })
    if (!isVouched(digest)) continue
    vouched.add(digest)
    vouchedPart = { head, bytes }
    for (const anchor of waiting) {
      if ((anchors.get(anchor.instance)?.seq ?? 0) < anchor.seq)
        anchors.set(anchor.instance, anchor)
    }
    waiting = []
  }
  return { anchors, vouchedPart, lastDay, vouched }
}
