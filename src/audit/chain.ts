/**
 * The chain of one instance: from its first group of records to its end, or to a write that failed. Rule: each line
 * takes the next number and hangs on the line before; each group ends with a MAC, after which its key is forgotten. A
 * chain of which something could not be written is not continued: its successor says how far it came.
 */
import { randomBytes } from 'node:crypto'
import { digestOfText, type FirstKey, macOf, stepped } from '../crypto/audit-key.ts'
import {
  type Anchor,
  formatAnchor,
  headBody,
  INSTANCE_BYTES,
  placed,
  sealBody
} from './chain-line.ts'

/** How a new instance comes by its first key. */
export type BeginKey = (
  instance: string
) => Promise<{ readonly key: Buffer; readonly first: FirstKey }>

export interface Chain {
  /** The day of the segment that is not sealed yet. */
  readonly day: () => string | undefined
  /** The last line linked. */
  readonly anchor: () => Anchor
  /** One group of a day as text, one record or more, with what a segment begins with where the day is new. */
  readonly link: (day: string, time: string, bodies: readonly string[]) => string
  /** The line that ends the segment; a group of its own. */
  readonly seal: (time: string) => string
}

export interface ChainOptions {
  readonly beginKey: BeginKey
  /** What was last known to be on record before. */
  readonly after: Anchor | undefined
  /** The last line that is in the files, where nobody else writes to them. */
  readonly found?: Anchor | undefined
}

export const beginChain = async ({ beginKey, after, found }: ChainOptions): Promise<Chain> => {
  const instance = randomBytes(INSTANCE_BYTES).toString('base64url')
  const { key: firstKey, first } = await beginKey(instance)
  let key = firstKey
  let step = 0
  let seq = 0
  let digest = ''
  const placesBefore = {
    ...(after && { after: formatAnchor(after) }),
    ...(found && { found: formatAnchor(found) })
  }
  let segment: { day: string; firstSeq: number } | undefined

  /** A line without its closing brace. */
  const line = (body: string): string => {
    seq++
    // Put together once for both, the digest and the line: for each by itself it takes as long as the digest.
    const whole = digest + placed(body, instance, seq)
    const text = whole.slice(digest.length)
    digest = digestOfText(whole)
    return `${text},"digest":"${digest}"`
  }

  const endGroup = (text: string): string => {
    const ended = `${text},"mac":"${macOf(key, digest)}"}\n`
    const next = stepped(key)
    key.fill(0)
    key = next
    step++
    return ended
  }

  const beginSegment = (day: string, time: string): string => {
    const from = seq === 0 ? {} : { from: digest }
    const since = seq > 0 ? {} : placesBefore
    segment = { day, firstSeq: seq + 1 }
    return line(headBody(time, { day, step, ...from, ...since, ...first }))
  }

  return {
    day: () => segment?.day,

    anchor: () => ({ instance, seq, head: digest }),

    link: (day, time, bodies) => {
      let text = segment === undefined ? `${beginSegment(day, time)}}\n` : ''
      const last = bodies.length - 1
      for (let i = 0; i < last; i++) text += `${line(bodies[i] ?? '')}}\n`
      return endGroup(text + line(bodies[last] ?? ''))
    },

    seal: (time) => {
      if (segment === undefined) throw new Error('there is a segment to seal')
      const { day, firstSeq } = segment
      segment = undefined
      const count = seq - firstSeq + 1
      return endGroup(line(sealBody(time, { day, firstSeq, lastSeq: seq, head: digest, count })))
    }
  }
}
