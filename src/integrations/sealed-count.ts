/**
 * How much is sealed under each encryption key, whatever it is: before a key may go, nothing may be left under it.
 * Rule: all that is kept is looked at, configured or not, and nothing is opened; what an entry is follows from where it
 * stands.
 */
import { type Static, Type } from 'typebox'
import { kidOfEnvelope } from '../crypto/sealer.ts'
import { envelopeOf, isEmpty, spanOf } from '../kinds/local/entry.ts'
import type { State, StateHead } from '../state/state.ts'

const Count = (description: string) => Type.Integer({ description })

export const SealedCounts = Type.Object(
  {
    secrets: Count('secrets of local stores, each with all its versions'),
    objects: Count('bots, providers and channels of run time'),
    uses: Count('last uses of API keys'),
    names: Count('names of entries in Redis'),
    cached: Count('cached secrets in Redis; `purser store rewrap` drops those under former keys'),
    others: Count('whatever else')
  },
  { description: 'what is sealed under it; `purser store rewrap` puts it under the active key' }
)
export type SealedCounts = Static<typeof SealedCounts>

export interface SealedCount {
  /** By kid; also of encryption keys that nobody has any more. */
  readonly byKey: ReadonlyMap<string, SealedCounts>
  /** False where time was up before all was looked at. */
  readonly isWhole: boolean
}

const none = (): SealedCounts => ({
  secrets: 0,
  objects: 0,
  uses: 0,
  names: 0,
  cached: 0,
  others: 0
})

const KINDS: ReadonlyMap<string, keyof SealedCounts> = new Map([
  ['store', 'secrets'],
  ['runtime', 'objects'],
  ['usage', 'uses'],
  ['shared', 'cached']
] as const)

/** Written anew with the next act of whoever is signed in: no encryption key has to stay for it. */
const PASSING: ReadonlySet<string> = new Set(['sessions'])

const valueKidOf = ({ space, value }: StateHead): string | undefined => {
  if (space !== 'store') return kidOfEnvelope(value)
  return isEmpty(spanOf(value)) ? undefined : kidOfEnvelope(envelopeOf(value))
}

/** Rejects where the state cannot be read. `until`, of `performance.now()`, is when to give up. */
export const countSealed = async (
  state: State,
  until = Number.POSITIVE_INFINITY
): Promise<SealedCount> => {
  const byKey = new Map<string, SealedCounts>()
  const add = (kid: string | undefined, what: keyof SealedCounts): void => {
    if (kid === undefined) return
    const counts = byKey.get(kid) ?? none()
    counts[what]++
    byKey.set(kid, counts)
  }
  for await (const head of state.heads?.() ?? []) {
    if (!PASSING.has(head.space)) add(valueKidOf(head), KINDS.get(head.space) ?? 'others')
    if (head.name !== undefined) add(kidOfEnvelope(head.name), 'names')
    if (performance.now() > until) return { byKey, isWhole: false }
  }
  return { byKey, isWhole: true }
}

/** The entries of the state whose value stands under that key, by their names, where these can be opened. */
export async function* sealedUnder(
  state: State,
  kid: string
): AsyncGenerator<{ readonly key: string; readonly space: string }> {
  for await (const head of state.heads?.() ?? []) {
    const { key, space } = head
    if (key !== undefined && valueKidOf(head) === kid) yield { key, space }
  }
}

/** Nothing at all is left. */
export const isNothing = (counts: SealedCounts | undefined): boolean =>
  counts === undefined || Object.values(counts).every((count) => count === 0)

/** What is lost for good if the encryption key is; the rest comes back by itself. */
export const isIrreplaceable = ({ secrets, objects, names, others }: SealedCounts): boolean =>
  secrets + objects + names + others > 0
