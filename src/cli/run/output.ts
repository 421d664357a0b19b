/**
 * The program's output on its way through ours, with `--redact`. Rule: what was a secret of the program before stays one,
 * since a program that ends may still print it; and a reader that is gone is gone for the program too.
 */
import type { Readable, Writable } from 'node:stream'
import type { Dealt } from './deal.ts'
import { compile, createRedaction, type Spellings } from './redact.ts'
import { spellingsOf } from './spellings.ts'

export interface Output {
  /** From now on. */
  readonly hide: (set: Dealt) => void
  /** Resolves when all of it has left. */
  readonly carry: (from: { readonly stdout: Readable; readonly stderr: Readable }) => Promise<void>
}

export interface OutputOptions {
  readonly redact: boolean
  readonly tell: (line: string) => void
  readonly to?: { readonly stdout: Writable; readonly stderr: Writable }
}

/** Of which the last one is the program's, or about to be. */
const SETS_KEPT = 4

const carryOne = (from: Readable, to: Writable, spellings: () => Spellings): Promise<void> =>
  new Promise((done) => {
    const redaction = createRedaction(spellings)
    const broken = (): void => {
      from.destroy()
      redaction.destroy()
    }
    to.once('error', broken)
    redaction.once('close', () => {
      to.off('error', broken)
      done()
    })
    from.once('error', broken)
    // Ended before its end: what is held is shown all the same.
    from.once('close', () => redaction.end())
    from.pipe(redaction).pipe(to, { end: false })
  })

export const createOutput = (options: OutputOptions): Output => {
  const { redact, tell, to = { stdout: process.stdout, stderr: process.stderr } } = options
  /** By digests: the last ones. */
  const sets = new Map<string, readonly Buffer[]>()
  let spellings = compile([])
  const told = new Set<string>()
  const spellingsIn = ({ contents }: Dealt): Buffer[] =>
    [...contents].flatMap(([ref, content]) => {
      const found = spellingsOf(content)
      if (found.length === 0 && !told.has(ref)) {
        told.add(ref)
        tell(`${ref}: is too short to be redacted.`)
      }
      return found
    })
  return {
    hide: (set) => {
      const name = set.digestOfVariables + set.digestOfFiles
      if (!redact || sets.has(name)) return
      sets.set(name, spellingsIn(set))
      for (const oldest of sets.keys()) if (sets.size > SETS_KEPT) sets.delete(oldest)
      spellings = compile([...sets.values()].flat())
    },
    carry: async ({ stdout, stderr }) => {
      await Promise.all([
        carryOne(stdout, to.stdout, () => spellings),
        carryOne(stderr, to.stderr, () => spellings)
      ])
    }
  }
}
