/** The references that a watcher gives. Rule: all of them are decided on and on record before one is watched. */
import type { Recorder } from '../audit/recorder.ts'
import type { Caller } from '../core/caller.ts'
import { formatReference, type Reference } from '../core/reference.ts'
import { decide, type Refused } from '../secrets/decision.ts'
import type { Rules } from '../secrets/terms.ts'

export interface Watched {
  readonly text: string
  readonly reference: Reference
  /** By any of these names a change of it may be told. */
  names: readonly string[]
}

/** Rejects with a ProblemError, once each refusal is on record. */
export const decideOnAll = async (
  rules: () => Rules,
  recorder: Recorder,
  caller: Caller,
  refs: readonly string[]
): Promise<Watched[]> => {
  const watched: Watched[] = []
  const refused: Refused[] = []
  for (const text of new Set(refs)) {
    const decision = decide(rules(), caller, 'read', { text })
    if ('refusal' in decision) refused.push(decision)
    else watched.push({ text, reference: decision.reference, names: [] })
  }
  if (refused.length > 0) {
    const problems = await Promise.all(
      refused.map(({ reference, refusal }) =>
        recorder.failed(caller, 'events.open', reference, refusal)
      )
    )
    throw problems.find(({ code }) => code === 'access_denied') ?? problems[0]
  }
  await Promise.all(
    watched.map(({ reference }) => recorder.allowed(caller, 'events.open', reference))
  )
  return watched
}

/** For how many milliseconds at most all of them can be read, if nothing but time changes; none has to end. */
export const remainingMs = (
  { policy }: Rules,
  { client }: Caller,
  watched: readonly Watched[]
): number =>
  Math.min(
    ...watched.map(({ reference }) => policy.remainingMs(policy.decide(client, 'read', reference)))
  )

/** Whether the caller may still read all of them, and each text still leads to what it led to when it was given. */
export const areReadable = (rules: Rules, caller: Caller, watched: readonly Watched[]): boolean => {
  try {
    return watched.every(({ text, reference }) => {
      const now = decide(rules, caller, 'read', { text })
      // A name of the configuration may lead elsewhere by now: what stands there was not asked for.
      return !('refusal' in now) && formatReference(now.reference) === formatReference(reference)
    })
  } catch {
    return false
  }
}
