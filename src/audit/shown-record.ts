/**
 * A record as it is shown to whoever asks. Rule: what is shown of a line is picked member by member, so
 * that nothing that somebody else wrote into a file is handed on.
 */
import { type Static, Type } from 'typebox'
import { recordIn } from './record.ts'

const described = (description?: string) =>
  Type.Optional(Type.String(description ? { description } : {}))

export const AuditRecord = Type.Object({
  time: Type.String({ description: 'ISO 8601, UTC' }),
  action: Type.String(),
  outcome: Type.String({ description: 'allowed, denied or failed' }),
  code: described('why not, as the caller was told'),
  reason: described('why not, as only the operator may know; where it is allowed: by what'),
  environment: described(),
  client: described(),
  keyId: described(),
  kid: described(),
  sessionId: described('of the administrator who was signed in'),
  user: described('the e-mail that was signed in with'),
  route: described("the route's template"),
  requestId: described(),
  address: described(),
  reference: described('canonical, with version and field'),
  object: described('a bot, a provider or a trust'),
  issuer: described('who signed the token of a login, or the provider that was signed in at'),
  subject: described('of whom that token is, or whom that provider knows them by'),
  tokenId: described('the id of that token'),
  version: described(),
  cache: described('HIT, MISS, STALE or REVALIDATED'),
  instance: described('the process that wrote it'),
  seq: Type.Optional(Type.Integer({ description: 'its number among the lines of that process' }))
})
export type AuditRecord = Static<typeof AuditRecord>

const MEMBERS = Object.keys(AuditRecord.properties).filter((name) => name !== 'seq')

/** Of one line without its end; undefined for what is none. */
export const readRecord = (line: string): AuditRecord | undefined => {
  const found = recordIn(line)
  if (found === undefined) return undefined
  // What an earlier version or somebody else wrote may have other types.
  const members: Readonly<Partial<Record<string, unknown>>> = { ...found }
  const record: Record<string, string | number> = {}
  for (const name of MEMBERS) {
    const value = members[name]
    if (typeof value === 'string') record[name] = value
  }
  const { seq } = found
  if (typeof seq === 'number' && Number.isSafeInteger(seq)) record['seq'] = seq
  return record as AuditRecord
}
