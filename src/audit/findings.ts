/** What a check of the trail may find, and where. */
export const VERDICTS = [
  'tampered',
  'line missing',
  'reordered',
  'truncated',
  'segment missing',
  'anchor mismatch',
  'other key'
] as const
export type Verdict = (typeof VERDICTS)[number]

export interface Finding {
  readonly verdict: Verdict
  /** Name of the file; undefined where there is none any more. */
  readonly file?: string | undefined
  /** From 1. */
  readonly line?: number | undefined
  readonly instance?: string | undefined
  /** The number at which it begins in the instance's chain. */
  readonly seq?: number | undefined
  /** The last number that is concerned, if it is another one. */
  readonly to?: number | undefined
  /** The rest of a sentence for people. */
  readonly detail: string
}

/** Lines at the end of an instance whose group has no MAC: a process that was killed, or still writes. */
export interface Unfinished {
  readonly file: string
  readonly instance: string
  readonly seq: number
  readonly to: number
}
