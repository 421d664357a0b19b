/**
 * `test/corpus/<parser>.jsonl`: a line an input, and whether the parser takes it. Rule: what was found once stays: each is put
 * to its parser by every run of the tests.
 */
import { appendFileSync, readFileSync } from 'node:fs'
import { TAKEN } from './subject.ts'

export interface CorpusEntry {
  readonly input: string
  readonly taken: boolean
  /** What was wrong when it was found. */
  readonly found?: string
}

const fileOf = (subject: string): string => `test/corpus/${subject}.jsonl`
const known = new Map<string, readonly CorpusEntry[]>()

export const corpusOf = (subject: string): readonly CorpusEntry[] => {
  const kept = known.get(subject)
  if (kept !== undefined) return kept
  const lines = readFileSync(fileOf(subject), 'utf8').split('\n').filter(Boolean)
  const entries = lines.map((line) => JSON.parse(line) as CorpusEntry)
  known.set(subject, entries)
  return entries
}

const genuine = new Map<string, ReadonlySet<string>>()
export const genuineIn = (subject: string): ReadonlySet<string> => {
  const texts =
    genuine.get(subject) ??
    new Set(corpusOf(subject).flatMap(({ input, taken }) => (taken ? [input] : [])))
  genuine.set(subject, texts)
  return texts
}

export const isTaken = (outcome: string): boolean => outcome.startsWith(TAKEN)

export const addToCorpus = (subject: string, entry: CorpusEntry): void =>
  appendFileSync(fileOf(subject), `${JSON.stringify(entry)}\n`)
