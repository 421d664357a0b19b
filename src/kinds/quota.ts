/** How many calls a store takes: of its kind as `defineKind` says, or of one store as `quota:` of purser.yaml does. */
import { type Static, Type } from 'typebox'

export const Quota = Type.Object(
  {
    perSecond: Type.Number({ exclusiveMinimum: 0, maximum: 1_000_000 }),
    burst: Type.Integer({ minimum: 1, maximum: 1_000_000 })
  },
  { additionalProperties: false }
)
/** A token bucket: so many calls a second, and so many at once after a rest. */
export type Quota = Static<typeof Quota>
