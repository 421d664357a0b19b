/** What `purser doctor` reports, whose shape docs/going-live.md describes. Rule: a status is the gravest of what it stands for. */
import { type Static, Type } from 'typebox'

export const Status = Type.Enum(['ok', 'warn', 'fail'])
export type Status = Static<typeof Status>

export const Told = Type.Object({
  status: Status,
  message: Type.String(),
  told: Type.Boolean({ description: 'false: it could not be looked at' })
})
export type Told = Static<typeof Told>

export const Examined = Type.Object({
  id: Type.String(),
  title: Type.String({ description: 'what is so where nothing was found' }),
  status: Status,
  idle: Type.Optional(Type.String({ description: 'why there was nothing to look at' })),
  findings: Type.Array(Told)
})
export type Examined = Static<typeof Examined>

const Count = Type.Integer({ minimum: 0 })

export const Report = Type.Object(
  {
    environment: Type.String(),
    status: Status,
    counts: Type.Object({ ok: Count, warn: Count, fail: Count }),
    checks: Type.Array(Examined)
  },
  { additionalProperties: false }
)
export type Report = Static<typeof Report>
