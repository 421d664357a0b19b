/**
 * The keys of the instances of a trail, by what their heads say. Rule: a key that cannot be had is told from one that is
 * somebody else's.
 */
import type { KeyObject } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { isOrigin, openFirstKey, stepped } from '../crypto/audit-key.ts'
import type { EncryptionKey } from '../crypto/keyring.ts'
import { type Anchor, CHAIN_FORMAT, parseAnchor, placeOf, type SegmentHead } from './chain-line.ts'
import { headIn, type InstanceKey } from './file-check.ts'
import { readLines } from './read-lines.ts'
import type { RunningKey } from './segment-check.ts'
import type { SegmentFile } from './segments.ts'

export interface Heads {
  readonly byInstance: ReadonlyMap<string, SegmentHead>
  /** By the name of a file and instance, its first there. */
  readonly inFile: ReadonlyMap<string, ReadonlyMap<string, SegmentHead>>
  /** What instances found on record when they began. */
  readonly after: readonly Anchor[]
  /** Files in which one says that it has another format. */
  readonly otherFormat: ReadonlySet<string>
}

/** What instances say of themselves and of each other, which has to be known before their lines are checked. */
export const readHeads = async (files: readonly SegmentFile[]): Promise<Heads> => {
  const byInstance = new Map<string, SegmentHead>()
  const inFile = new Map<string, Map<string, SegmentHead>>()
  const after: Anchor[] = []
  const otherFormat = new Set<string>()
  for (const { name, path } of files) {
    const own = new Map<string, SegmentHead>()
    inFile.set(name, own)
    await readLines(path, (line) => {
      const head = headIn(line)
      const instance = head && placeOf(line)?.instance
      if (head === undefined || instance === undefined) return
      if (head.format !== undefined && head.format !== CHAIN_FORMAT) otherFormat.add(name)
      if (!byInstance.has(instance)) byInstance.set(instance, head)
      if (!own.has(instance)) own.set(instance, head)
      const former = head.after === undefined ? undefined : parseAnchor(head.after)
      if (former !== undefined) after.push(former)
    })
  }
  return { byInstance, inFile, after, otherFormat }
}

interface FirstKeyFound {
  readonly key: Buffer | undefined
  readonly fault: string | undefined
}

export interface KeyOptions {
  /** Undefined: there are no encryption keys at hand. */
  readonly findKey: ((kid: string) => EncryptionKey | undefined) | undefined
  /** The trail may be of another service: encryption keys that it was begun with may be lacking here. */
  readonly isCopy?: boolean
  /** The auditor's private key. */
  readonly auditor: KeyObject | undefined
}

const faultOf = (
  head: SegmentHead,
  instance: string,
  encryptionKey: EncryptionKey | undefined,
  { findKey, isCopy = false, auditor }: KeyOptions
): string | undefined => {
  // Who has the encryption keys could otherwise write a former trail anew, without the auditor's seal.
  if (auditor !== undefined && head.sealed === undefined) return 'it is not sealed to the auditor'
  if (findKey === undefined) return undefined
  if (encryptionKey === undefined) {
    if (isCopy) return undefined
    return `it was begun with the encryption key ${head.kid}, which ENCRYPTION_KEYS lacks: verify it where that has it`
  }
  return isOrigin(encryptionKey, instance, head)
    ? undefined
    : 'it was not begun by somebody with the encryption keys'
}

const findFirstKey = async (
  head: SegmentHead,
  instance: string,
  options: KeyOptions
): Promise<FirstKeyFound> => {
  const encryptionKey = options.findKey?.(head.kid)
  const fault = faultOf(head, instance, encryptionKey, options)
  if (fault !== undefined) return { key: undefined, fault }
  const { auditor } = options
  const key = await openFirstKey(head, instance, { encryptionKey, auditor })
  // With an auditor there is a seal, or it would be the fault.
  const isShut = key === undefined && auditor !== undefined
  return { key, fault: isShut ? "its first key does not open with this auditor's key" : undefined }
}

/** More steps are not made for one segment: somebody may have written any number there. */
const STEPS_MAX = 50_000_000
/** A step takes a microsecond: after as many, others have their turn. */
const STRIDE = 5_000

const forwarded = (running: RunningKey, step: number): RunningKey => {
  for (; running.step < step; running.step++) running.key = stepped(running.key)
  return running
}

const isSameKey = (a: SegmentHead, b: SegmentHead): boolean =>
  a.kid === b.kid && a.sealed === b.sealed && a.origin === b.origin

export interface Stepping {
  /** The keys as they stood when they were last used, and will. */
  readonly running?: Map<string, RunningKey> | undefined
  /** In a process that serves: a key is only found where `reach` has brought it. */
  readonly isServing?: boolean
  readonly isStopped?: (() => boolean) | undefined
}

export interface Keys {
  /** The key of each instance as its segments come, which is mostly in their order. */
  readonly keyOf: (instance: string, head: SegmentHead) => InstanceKey
  /** Steps the instance's key up to the segment, and lets others have their turn. */
  readonly reach: (instance: string, head: SegmentHead) => Promise<void>
}

export const createKeys = async (
  heads: Heads,
  options: KeyOptions,
  { running = new Map(), isServing = false, isStopped = () => false }: Stepping = {}
): Promise<Keys> => {
  const found = new Map<string, FirstKeyFound>()
  for (const [instance, head] of heads.byInstance) {
    found.set(instance, await findFirstKey(head, instance, options))
  }
  /** At the segment's step or before, but no more than so many steps; undefined where there is none. */
  const begunFor = (instance: string, { step }: SegmentHead, most: number) => {
    const first = found.get(instance)?.key
    if (first === undefined || step < 0) return undefined
    const former = running.get(instance)
    const begun = former !== undefined && former.step <= step ? former : { key: first, step: 0 }
    if (step - begun.step > most) return undefined
    running.set(instance, begun)
    return begun
  }
  return {
    keyOf: (instance, head) => {
      const fault = found.get(instance)?.fault
      if (fault !== undefined) return { key: undefined, fault }
      const known = heads.byInstance.get(instance)
      if (known !== undefined && !isSameKey(known, head)) {
        return { key: undefined, fault: 'another segment of its instance has another key' }
      }
      const begun = begunFor(instance, head, isServing ? STRIDE : STEPS_MAX)
      return { key: begun && forwarded(begun, head.step), fault }
    },

    reach: async (instance, head) => {
      const begun = begunFor(instance, head, STEPS_MAX)
      while (begun !== undefined && begun.step < head.step && !isStopped()) {
        forwarded(begun, Math.min(head.step, begun.step + STRIDE))
        await turn()
      }
    }
  }
}
