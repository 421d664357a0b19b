/**
 * How a path of a dialect becomes a reference. Rule: what leads nowhere is asked of the broker all the same, so that it is
 * on record and answered like whatever is forbidden; and whoever may know nothing of where a target leads is told nothing
 * of what is wrong with a path.
 */
import type { Target } from '../config/door-entries.ts'
import type { Caller } from '../core/caller.ts'
import { ProblemError } from '../core/problem.ts'
import { isSecretName } from '../core/reference.ts'
import { encodeText } from '../core/reference-text.ts'
import type { Broker } from '../secrets/broker.ts'
import type { Wanted } from '../secrets/terms.ts'

/** A name that no configuration can have, since a route has it. */
const NOWHERE: Wanted = { text: 'batch' }

/** `path`: as the store has it, nothing of it escaped. */
export const wantedOf = (target: Target | undefined, path: string, version?: string): Wanted => {
  if (target === undefined || (target.kind === 'names' && !isSecretName(path))) return NOWHERE
  return {
    text: target.kind === 'names' ? path : `${target.store}:${encodeText(target.path + path)}`,
    within: target,
    ...(version !== undefined && { version })
  }
}

/** Of a listing: a folder's path ends in a slash, or is empty. Undefined where nothing can be listed. */
export const prefixOf = (target: Target | undefined, folder: string): string | undefined =>
  target?.kind === 'below' ? `${target.store}:${encodeText(target.path + folder)}` : undefined

/**
 * For whoever may know nothing of where the target leads: whatever was asked is refused, and on record, as a read there is.
 * Rejects with a ProblemError.
 */
export const refuse = async (
  { readSecret }: Pick<Broker, 'readSecret'>,
  caller: Caller,
  target: Target | undefined,
  path: string
): Promise<never> => {
  await readSecret(caller, wantedOf(target, path))
  // A reload allowed it a moment ago.
  throw new ProblemError('access_denied')
}
