/**
 * The fuzz of one parser: inputs are made of those whose outcome was new, and what breaks the parser's promises is a finding.
 */
import { corpusOf, isTaken } from './corpus.ts'
import { createRandom, invented, mutated } from './mutate.ts'
import type { FuzzSubject } from './subject.ts'

export interface Finding {
  readonly input: string
  readonly found: string
}

export interface FuzzResult {
  readonly executions: number
  readonly findings: readonly Finding[]
  /** An input for each outcome that the corpus does not have. */
  readonly fresh: readonly { readonly input: string; readonly taken: boolean }[]
}

/** Milliseconds of processor time: what an input of 4,096 characters may cost, many times over. */
const COST_MAX_MS = 2_000
const ROUND = 500
const FINDINGS_MAX = 20

export const tried = async (
  { outcome }: FuzzSubject,
  input: string
): Promise<{ readonly outcome: string } | { readonly found: string }> => {
  const before = process.cpuUsage()
  try {
    const told = await outcome(input)
    const { user } = process.cpuUsage(before)
    return user > COST_MAX_MS * 1_000 ? { found: 'takes too long' } : { outcome: told }
  } catch (error) {
    return { found: error instanceof Error ? `${error.name}: ${error.message}` : String(error) }
  }
}

/** `goesOn` is asked every 500 inputs. */
export const fuzz = async (
  subject: FuzzSubject,
  seed: number,
  goesOn: (executions: number) => boolean
): Promise<FuzzResult> => {
  const random = createRandom(seed)
  const pool = corpusOf(subject.name).map(({ input }) => input)
  const outcomes = new Set<string>()
  const findings = new Map<string, Finding>()
  const fresh: { input: string; taken: boolean }[] = []
  let executions = 0
  const put = async (input: string, isKnown: boolean): Promise<void> => {
    executions++
    const result = await tried(subject, input)
    if ('found' in result) {
      // One input for each thing that is wrong.
      if (findings.size < FINDINGS_MAX && !findings.has(result.found))
        findings.set(result.found, { input, found: result.found })
      return
    }
    if (outcomes.has(result.outcome)) return
    outcomes.add(result.outcome)
    if (isKnown) return
    pool.push(input)
    fresh.push({ input, taken: isTaken(result.outcome) })
  }

  for (const { input } of corpusOf(subject.name)) await put(input, true)
  const { words } = subject
  const other = (): string => pool[random(pool.length)] ?? ''
  while (goesOn(executions)) {
    for (const input of invented(words, random(0x7fff_ffff), ROUND / 5)) await put(input, false)
    for (let left = (ROUND * 4) / 5; left > 0; left--) {
      await put(mutated({ random, words, other }), false)
    }
  }
  return { executions, findings: [...findings.values()], fresh }
}
