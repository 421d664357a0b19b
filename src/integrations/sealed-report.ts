/**
 * The report on encryption keys, whole: who presents API keys under each, and what else is sealed under it. Rule: a key
 * may go only when it is not active, nobody uses an API key under it, and nothing at all is left under it.
 */
import { type Static, Type } from 'typebox'
import { EncryptionKeyReport } from '../keys/encryption-key-report.ts'
import { isNothing, SealedCounts } from './sealed-count.ts'

export const SealedReport = Type.Object({
  ...EncryptionKeyReport.properties,
  mayGo: Type.Boolean({
    description:
      'not active, no key under it was used within quietHours, and nothing is sealed under it any more'
  }),
  sealed: SealedCounts,
  statesUntil: Type.Optional(
    Type.String({
      format: 'date-time',
      description: 'states sealed under it (POST /v1/state) may come back until then'
    })
  )
})
export type SealedReport = Static<typeof SealedReport>

export const MissingKey = Type.Object({
  kid: Type.String({ description: 'not in ENCRYPTION_KEYS' }),
  sealed: SealedCounts
})
export type MissingKey = Static<typeof MissingKey>

const NOTHING: SealedCounts = { secrets: 0, objects: 0, uses: 0, names: 0, cached: 0, others: 0 }

export const reportSealed = (
  reports: readonly EncryptionKeyReport[],
  counts: ReadonlyMap<string, SealedCounts>,
  /** By kid, in seconds since the epoch; only what is still to come. */
  stateEnds: ReadonlyMap<string, number>
): { encryptionKeys: SealedReport[]; missing: MissingKey[] } => {
  const inRing = new Set(reports.map(({ kid }) => kid))
  return {
    encryptionKeys: reports.map((report) => {
      const sealed = counts.get(report.kid) ?? NOTHING
      const end = stateEnds.get(report.kid)
      return {
        ...report,
        mayGo: report.mayGo && isNothing(sealed) && end === undefined,
        sealed,
        ...(end !== undefined && { statesUntil: new Date(end * 1000).toISOString() })
      }
    }),
    missing: [...counts]
      .filter(([kid, sealed]) => !inRing.has(kid) && !isNothing(sealed))
      .map(([kid, sealed]) => ({ kid, sealed }))
  }
}
