/** `purser audit search`: who did what, and when, of the files here and of what other replicas have put into Redis. */
import type { RecordFilter } from '../audit/record-filter.ts'
import type { AuditRecord } from '../audit/shown-record.ts'
import { compilePolicy } from '../kinds/references.ts'
import { askTrail } from './asked-trail.ts'
import { pretty } from './audit-tail.ts'
import { CommandFailure } from './failure.ts'
import { print } from './io.ts'

export interface SearchOptions {
  readonly reference?: string
  readonly pattern?: string
  readonly client?: string
  readonly keyId?: string
  readonly action?: string
  readonly outcome?: string
  /** ISO 8601 in UTC, as records have it. */
  readonly since?: string
  readonly until?: string
  readonly limit?: number
  readonly json?: boolean
}

const matcherOf = (pattern: string | undefined): RecordFilter['isMatching'] => {
  if (pattern === undefined) return undefined
  try {
    const { isAllowed } = compilePolicy([{ client: '*', read: [pattern] }])
    return (secret) => isAllowed('*', 'read', secret)
  } catch (error) {
    throw new CommandFailure(`--pattern: ${error instanceof Error ? error.message : 'is none'}.`)
  }
}

const filterOf = ({ since, until, pattern, ...equal }: SearchOptions): RecordFilter => {
  const { reference, client, keyId, action, outcome } = equal
  const isMatching = matcherOf(pattern)
  return { reference, client, keyId, action, outcome, isMatching, from: since, to: until }
}

export const search = async (options: SearchOptions): Promise<void> => {
  const show = options.json ? (record: AuditRecord) => JSON.stringify(record) : pretty
  const filter = filterOf(options)
  await askTrail(filter, (records) => print(records.map(show).join('\n')), options.limit)
}
