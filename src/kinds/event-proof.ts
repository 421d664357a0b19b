/**
 * `events:` of a store: how its vendor proves its notifications. Rule: each kind says its own members; what only
 * another kind has is a fault, since nothing would ever be proven by it.
 */
import { Type } from 'typebox'
import type { StoreAddress } from '../core/store-address.ts'
import { catalog } from './catalog.ts'
import type { Kind } from './kind.ts'
import type { EventProof } from './shared/notification.ts'

const proofs = catalog.flatMap(({ kind, events }) =>
  events?.proof === undefined ? [] : [{ kind, proof: events.proof }]
)

export const EventProofs = Type.Object(
  Object.fromEntries(proofs.flatMap(({ proof }) => Object.entries(proof.members))),
  { additionalProperties: false }
)

/** What is wrong with it for a store of that kind, as the end of a sentence. */
export const faultOfProof = (
  given: EventProof,
  kind: Kind['kind'],
  address: StoreAddress
): string | undefined => {
  if (Object.keys(given).length === 0) return 'names no proof'
  for (const { kind: owner, proof } of proofs) {
    if (!Object.keys(proof.members).some((member) => given[member] !== undefined)) continue
    const fault = owner === kind ? proof.faultOf(given, address) : proof.foreign
    if (fault !== undefined) return fault
  }
  return undefined
}
