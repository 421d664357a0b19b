/** The lines of a trail as a stranger would check them, from what `audit/chain-line.ts` says of their form alone. */
import { createHash, createHmac } from 'node:crypto'

export interface TrailLine {
  readonly [member: string]: unknown
  readonly instance: string
  readonly seq: number
  readonly digest: string
  readonly mac?: string
}

export const trailLines = (text: string): TrailLine[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

const sha256 = (bytes: string | Buffer): Buffer => createHash('sha256').update(bytes).digest()

/** What is wrong with the digests and numbers of one instance's lines, which begin at its first; undefined: nothing. */
export const wrongInChain = (text: string): string | undefined => {
  let former = ''
  let seq = 0
  for (const line of text.split('\n').filter((one) => one !== '')) {
    seq++
    const hashed = line.slice(0, line.lastIndexOf(',"digest":'))
    const parsed = JSON.parse(line) as TrailLine
    if (parsed.seq !== seq) return `${parsed.seq} stands where ${seq} was due`
    if (parsed.digest !== sha256(former + hashed).toString('base64url')) return `digest of ${seq}`
    former = parsed.digest
  }
  return undefined
}

/** The same for its MACs. Counts them. */
export const checkMacs = (lines: readonly TrailLine[], first: Buffer): number => {
  let key = first
  let count = 0
  for (const { seq, digest, mac } of lines) {
    if (mac === undefined) continue
    const expected = createHmac('sha256', key).update(digest).digest('base64url')
    if (mac !== expected) throw new Error(`the MAC of ${seq} is wrong`)
    key = sha256(Buffer.concat([Buffer.from('purser/v1/audit-step'), key]))
    count++
  }
  return count
}
