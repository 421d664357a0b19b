/**
 * Since when encryption keys are lost that something still stands under. Rule: what cannot be opened was last written
 * before its key was missed for the first time, so that its time runs from then at the latest; a key that comes back
 * was not lost.
 */
import { asJson, isObject } from '../core/json.ts'
import { STATE_REST } from './namespaces.ts'
import type { State } from './state.ts'

const { prefix: LOST } = STATE_REST.lost

const parse = (value: Buffer | undefined): ReadonlyMap<string, number> => {
  const parsed = value && asJson(value.toString())
  const known = isObject(parsed) ? Object.entries(parsed) : []
  return new Map(known.flatMap(([kid, at]) => (typeof at === 'number' ? [[kid, at]] : [])))
}

/**
 * By kid, when it was missed first (milliseconds since the epoch), `now` for what is missed for the first time. `kids`:
 * those under which something stands and that the key ring lacks. A dry run notes nothing.
 */
export const lostSince = async (
  state: State,
  kids: ReadonlySet<string>,
  now: number,
  { isDryRun = false } = {}
): Promise<ReadonlyMap<string, number>> => {
  const kept = await state.get(LOST)
  const known = parse(kept)
  const since = new Map([...kids].sort().map((kid) => [kid, known.get(kid) ?? now]))
  const next = since.size === 0 ? undefined : Buffer.from(JSON.stringify(Object.fromEntries(since)))
  const isNew = !(kept === undefined ? next === undefined : next?.equals(kept))
  // Another process that writes at this moment writes the same.
  if (isNew && !isDryRun) await state.compareAndSet(LOST, kept, next)
  return since
}
