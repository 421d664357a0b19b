/**
 * What the soak has seen: how often each invariant was looked at, what broke one, and how many answers there were of each
 * kind. Rule: a violation is kept with what is needed to find it again, and never with a key.
 */

export const INVARIANTS = {
  value: "every value names the secret and version that was asked for, and is its client's",
  forbidden: 'nothing is disclosed to who may not have it',
  recorded: 'each disclosure and each change is on record by its request id',
  verified: '`purser audit verify` says ok of each trail',
  revoked:
    'a revoked key is refused: at once where it was revoked, elsewhere 5 s after Redis is there',
  blind: 'a replica that is blind for longer than REVOCATION_BLIND_SECONDS is not ready',
  alive: 'a process ends only when it is ended, with the right code and an empty stderr',
  described:
    'status, media type and body of every answer are those of openapi.yaml for that operation',
  answered: 'a replica that was not ended answers',
  ready: 'after a fault all replicas are ready again within the time for it',
  serving: 'at the end each replica serves the newest version of every secret to its client',
  reload: 'a faulty purser.yaml changes nothing, and is reported',
  memory: 'resident memory is flat',
  handles: 'open descriptors are back at the end'
} as const
export type Invariant = keyof typeof INVARIANTS

export interface Ledger {
  readonly held: (invariant: Invariant) => void
  readonly broke: (invariant: Invariant, what: string) => void
  /** Held, unless `fault` says why not. */
  readonly judge: (invariant: Invariant, fault: string | undefined) => void
  readonly answer: (operation: string, outcome: string) => void
  readonly count: (invariant: Invariant) => number
  readonly violations: () => readonly string[]
  readonly broken: () => number
  readonly answers: () => ReadonlyMap<string, number>
  readonly total: () => number
}

const KEPT = 50

export const createLedger = (say: (line: string) => void): Ledger => {
  const counts = new Map<Invariant, number>()
  const answers = new Map<string, number>()
  const violations: string[] = []
  let broken = 0
  let total = 0
  const held = (invariant: Invariant): void =>
    void counts.set(invariant, (counts.get(invariant) ?? 0) + 1)
  const broke = (invariant: Invariant, what: string): void => {
    held(invariant)
    broken++
    if (violations.length >= KEPT) return
    const line = `${invariant}: ${what}`
    violations.push(line)
    say(`VIOLATION ${line}`)
  }
  return {
    held,
    broke,
    judge: (invariant, fault) => (fault === undefined ? held(invariant) : broke(invariant, fault)),
    answer: (operation, outcome) => {
      total++
      const name = `${operation} ${outcome}`
      answers.set(name, (answers.get(name) ?? 0) + 1)
    },
    count: (invariant) => counts.get(invariant) ?? 0,
    violations: () => violations,
    broken: () => broken,
    answers: () => answers,
    total: () => total
  }
}
