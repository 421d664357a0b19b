/**
 * The names of `secrets:`. Rule: a caller sees those whose secret policy lets it read, and nothing tells of the others.
 */
import type { Recorder } from '../audit/recorder.ts'
import type { Caller } from '../core/caller.ts'
import { ProblemError } from '../core/problem.ts'
import { parseReference } from '../core/reference.ts'
import type { Rules } from './terms.ts'

export interface ListConfigured {
  /** The names that the caller may read, on record. Rejects with a ProblemError. */
  readonly listConfigured: (caller: Caller) => Promise<readonly string[]>
}

export interface ListConfiguredOptions {
  readonly rules: () => Rules
  readonly recorder: Recorder
}

export const createListConfigured = ({
  rules,
  recorder
}: ListConfiguredOptions): ListConfigured => ({
  listConfigured: async (caller) => {
    if (!caller.mode.includes('r')) {
      const refusal = new ProblemError('insufficient_mode')
      throw await recorder.failed(caller, 'secret.list', undefined, refusal)
    }
    const { book, policy } = rules()
    const names = [...book.names.keys()].filter((name) => {
      const reference = parseReference(name, book)
      return reference !== undefined && policy.isAllowed(caller.client, 'read', reference)
    })
    await recorder.allowed(caller, 'secret.list', undefined)
    return names
  }
})
