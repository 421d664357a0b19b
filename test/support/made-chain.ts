/** Lines of a chain as a test wants to have them, without a key: their digests are right, and their MACs are nobody's. */
import { placed } from '../../src/audit/chain-line.ts'
import { digestOf } from '../../src/crypto/audit-key.ts'

export const MAC = 'M'.repeat(43)

export interface MadeChain {
  readonly instance: string
  readonly firstSeq?: number
  /** Digest of the line before. */
  readonly from?: string
  /** The numbers of the lines that end a group. */
  readonly macs?: readonly number[]
}

export type Body = string | ((former: string) => string)

/** Of bodies without their closing brace; one that is a function is told the digest before it. */
export const madeChain = (
  bodies: readonly Body[],
  { instance, firstSeq = 1, from = '', macs = [] }: MadeChain
): string[] => {
  let former = from
  return bodies.map((body, i) => {
    const seq = firstSeq + i
    const line = placed(typeof body === 'string' ? body : body(former), instance, seq)
    former = digestOf(former, line)
    return `${line},"digest":"${former}"${macs.includes(seq) ? `,"mac":"${MAC}"` : ''}}`
  })
}
