/**
 * Where one record stands in the chain, and whether it holds there: its segment, from its head to the first MAC over the
 * record. Rule: as for the whole trail (`verify.ts`), what cannot be checked is never called right; and it costs no more
 * than a bound of bytes and of time, in turns that whoever asks waits for.
 */
import { ProblemError } from '../core/problem.ts'
import type { EncryptionKey } from '../crypto/keyring.ts'
import { createAccess } from './access.ts'
import { CHAIN_FORMAT, type Place, placeOf, type SegmentHead } from './chain-line.ts'
import { headIn, misplacedIn, sealIn } from './file-check.ts'
import { createKeys } from './instance-keys.ts'
import { readPieces } from './read-lines.ts'
import { createSegmentCheck, type SegmentCheck } from './segment-check.ts'
import { type SegmentFile, segmentFilesIn } from './segments.ts'

export interface PlaceQuestion {
  readonly instance: string
  readonly seq: number
  /** YYYY-MM-DD: of the record, in UTC. */
  readonly day: string
  /** Resolves when the next block may be read. */
  readonly turn: () => Promise<void>
}

export interface RecordPlace {
  readonly verdict: 'holds' | 'broken' | 'unknown'
  /** What was compared, or what does not agree, as a sentence without its capital. */
  readonly detail: string
  /** Name of the file, and the line in it, from 1. */
  readonly file?: string
  readonly line?: number
  /** The number with which its segment begins. */
  readonly segmentFrom?: number
}

export interface RecordPlaces {
  /** Rejects with ProblemError `audit_unavailable` or `overloaded`. */
  readonly placeOf: (question: PlaceQuestion) => Promise<RecordPlace>
}

export interface RecordPlacesOptions {
  /** `audit/` below DATA_DIR. */
  readonly folder: string
  readonly findKey: (kid: string) => EncryptionKey | undefined
  /** Milliseconds, from wherever. */
  readonly clock?: () => number
  readonly bound?: { readonly bytes: number; readonly ms: number }
}

const BOUND = { bytes: 64 * 1024 * 1024, ms: 2_000 }
const TOGETHER_MAX = 2
const PATIENCE_MS = 2_000

const unavailable = (): ProblemError => new ProblemError('audit_unavailable', { retryAfter: 1 })

const HOLDS = 'each line is what was written, from the head of its segment to the MAC over this one'
const NOT_HERE = 'no file here has it: it was written elsewhere, or its time was over'
const TOO_FAR = 'its segment is too long to be checked here: purser audit verify'
const NO_MAC = 'no MAC is over it: it is being written, or a crash cut it off'
const NO_KEY = 'its lines agree, but its MACs need a key that is not here: purser audit verify'
const LOST_KEY = 'its process began with an encryption key that ENCRYPTION_KEYS has no more'
const OTHER_FORMAT = 'another version wrote it: verify it with that one'
const NO_HEAD = 'the head of its segment is not there'
const OTHERWISE = 'its segment is not what was written'

const unknown = (detail: string, rest: Partial<RecordPlace> = {}): RecordPlace => ({
  ...rest,
  verdict: 'unknown',
  detail
})
const broken = (detail: string, rest: Partial<RecordPlace> = {}): RecordPlace => ({
  ...rest,
  verdict: 'broken',
  detail
})

interface Asking extends PlaceQuestion {
  readonly findKey: RecordPlacesOptions['findKey']
  readonly access: ReturnType<typeof createAccess>
  /** Whether it has cost enough. */
  readonly isOver: () => boolean
  bytes: number
}

interface Line {
  readonly bytes: Buffer
  readonly number: number
  readonly place: Place
}

/** The lines of the instance, block by block. */
async function* linesIn({ path }: SegmentFile, asking: Asking): AsyncGenerator<Line[]> {
  const { access, turn, instance } = asking
  const pieces = readPieces(path)
  let number = 0
  try {
    for (;;) {
      await turn()
      const { value, done } = await access(() => pieces.next())
      if (done || value === undefined) return
      const lines: Line[] = []
      for (const bytes of value) {
        number++
        asking.bytes += bytes.length + 1
        const place = placeOf(bytes)
        if (place?.instance === instance) lines.push({ bytes, number, place })
      }
      yield lines
    }
  } finally {
    await pieces.return(undefined)
  }
}

interface Checking {
  readonly check: SegmentCheck
  /** Without it MACs cannot be checked. */
  readonly hasKey: boolean
  readonly at: Partial<RecordPlace>
}

/** The segment that begins with the line, to be checked on; or why it is not. */
const begin = async (
  { name }: SegmentFile,
  { instance, seq, findKey, isOver }: Asking,
  { bytes, number, place }: Line
): Promise<Checking | RecordPlace> => {
  const head = headIn(bytes)
  const at = { file: name }
  if (head === undefined) return broken(NO_HEAD, at)
  if (place.seq > seq) return unknown(NOT_HERE)
  if ((head.format ?? CHAIN_FORMAT) !== CHAIN_FORMAT) return unknown(OTHER_FORMAT, at)
  if (findKey(head.kid) === undefined) return unknown(LOST_KEY, at)
  const misplaced = misplacedIn(name, head)
  if (misplaced !== undefined) return broken(misplaced.detail, at)
  const { key, fault } = await keyOf(instance, head, findKey, isOver)
  if (fault !== undefined) return broken(fault, at)
  const first = { bytes, place, line: number, seal: sealIn(bytes), isAfterUnreadable: false }
  const check = createSegmentCheck({ file: name, head, first, key, anchored: () => [] })
  const hasKey = key !== undefined
  return { check, hasKey, at: { ...at, segmentFrom: check.segment.firstSeq } }
}

const keyOf = async (
  instance: string,
  head: SegmentHead,
  findKey: RecordPlacesOptions['findKey'],
  isStopped: () => boolean
) => {
  const byInstance = new Map([[instance, head]])
  const keys = await createKeys(
    { byInstance, inFile: new Map(), after: [], otherFormat: new Set() },
    { findKey, auditor: undefined },
    { isServing: true, isStopped }
  )
  await keys.reach(instance, head)
  return keys.keyOf(instance, head)
}

/** Its place, once enough of the segment is seen. */
const judged = ({ check, hasKey, at }: Checking, { place }: Line): RecordPlace | undefined => {
  if (check.segment.isBroken) {
    const [finding] = check.end().findings
    return broken(finding?.detail ?? OTHERWISE, at)
  }
  if (place.mac === undefined || at.line === undefined) return undefined
  return hasKey ? { ...at, verdict: 'holds', detail: HOLDS } : unknown(NO_KEY, at)
}

/** Undefined: the file has no line of the instance. */
const placeIn = async (file: SegmentFile, asking: Asking): Promise<RecordPlace | undefined> => {
  let checking: Checking | undefined
  for await (const lines of linesIn(file, asking)) {
    for (const line of lines) {
      const { bytes, number, place } = line
      if (checking === undefined) {
        const begun = await begin(file, asking, line)
        if ('verdict' in begun) return begun
        checking = begun
      } else {
        const seal = sealIn(bytes)
        checking.check.take({ bytes, place, line: number, seal, isAfterUnreadable: false })
      }
      if (place.seq === asking.seq) {
        checking = { ...checking, at: { ...checking.at, line: number } }
      }
      const found = judged(checking, line)
      if (found !== undefined) return found
    }
    if (asking.isOver()) return unknown(TOO_FAR, checking?.at)
  }
  return checking && unknown(checking.at.line === undefined ? NOT_HERE : NO_MAC, checking.at)
}

const find = async (folder: string, asking: Asking): Promise<RecordPlace> => {
  const files = await asking.access(() => segmentFilesIn(folder))
  for (const file of files.filter(({ day }) => day === asking.day)) {
    const found = await placeIn(file, asking)
    if (found !== undefined) return found
    if (asking.isOver()) return unknown(TOO_FAR)
  }
  return unknown(NOT_HERE)
}

export const createRecordPlaces = ({
  folder,
  findKey,
  clock = () => performance.now(),
  bound = BOUND
}: RecordPlacesOptions): RecordPlaces => {
  const access = createAccess(PATIENCE_MS, unavailable)
  let underWay = 0
  return {
    placeOf: async (question) => {
      if (underWay >= TOGETHER_MAX) throw new ProblemError('overloaded', { retryAfter: 1 })
      underWay++
      const until = clock() + bound.ms
      const asking: Asking = {
        ...question,
        findKey,
        access,
        isOver: () => asking.bytes >= bound.bytes || clock() > until,
        bytes: 0
      }
      try {
        return await find(folder, asking)
      } catch (error) {
        throw error instanceof ProblemError ? error : unavailable()
      } finally {
        underWay--
      }
    }
  }
}
