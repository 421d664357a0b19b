/** The shapes of questions to the audit trail. Rule: unknown members are refused. */
import type { Readable } from 'node:stream'
import { type Static, Type } from 'typebox'
import { AuditRecord } from '../../audit/shown-record.ts'
import { CLIENT_NAME } from '../../core/policy.ts'
import { KEY_ID } from '../../keys/key-id.ts'
import { RefText, strict } from '../schemas.ts'

/** A day, or a time with its zone. */
const TIME =
  '^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]{1,3})?)?(?:Z|[+-][0-9]{2}:[0-9]{2}))?$'

export const AuditQuery = Type.Object(
  {
    client: Type.Optional(Type.String({ pattern: CLIENT_NAME.source })),
    keyId: Type.Optional(Type.String({ pattern: KEY_ID, description: 'UUID in lower case' })),
    reference: Type.Optional({
      ...RefText,
      description: 'in any of its written forms; without a version or a field, those of any'
    }),
    pattern: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 4096,
        description: 'as in `policies:`, such as `aws:acme/**`'
      })
    ),
    action: Type.Optional(
      Type.String({
        pattern: '^[a-z]{1,32}[.][a-z]{1,32}$',
        description: 'such as `secret.read`'
      })
    ),
    outcome: Type.Optional(Type.Enum(['allowed', 'denied', 'failed'])),
    from: Type.Optional(
      Type.String({
        pattern: TIME,
        description: 'a day (UTC), or a time with its zone such as `2026-03-01T12:00:00Z`'
      })
    ),
    to: Type.Optional(
      Type.String({ pattern: TIME, description: 'the same, inclusive: a day to its end' })
    ),
    limit: Type.Optional(
      Type.String({
        pattern: '^([1-9][0-9]{0,2}|1000)$',
        description: 'up to 1000; 100 if absent, in a stream: all'
      })
    ),
    cursor: Type.Optional(
      Type.String({ minLength: 1, maxLength: 16_384, pattern: '^[A-Za-z0-9_-]*$' })
    )
  },
  strict
)
export type AuditQuery = Static<typeof AuditQuery>

const end = {
  cursor: Type.Optional(
    Type.String({
      description: 'asks for what is older, with the same question; absent: there is no more'
    })
  ),
  completeFrom: Type.Optional(
    Type.String({
      description:
        'since when nothing is missing of what was recorded, but what is not asked; ISO 8601'
    })
  ),
  skipped: Type.Integer({ description: 'lines of this page that could not be read' }),
  notAsked: Type.Object({
    files: Type.Array(Type.String(), { description: 'that could not be read' }),
    instances: Type.Array(Type.String(), {
      description: 'processes elsewhere, of whose records in Redis some are missing or altered'
    }),
    replicas: Type.Integer({
      description:
        'other processes now, whose records are here only if they share DATA_DIR or have the sink redis'
    }),
    redis: Type.Boolean({ description: 'AUDIT_SINKS has redis, and it did not answer' })
  })
}
export const AuditEnd = Type.Object(end)
export type AuditEnd = Static<typeof AuditEnd>

export const AuditAnswer = Type.Object({
  records: Type.Array(AuditRecord, {
    description: 'newest first; may be empty although there are more: go on with the cursor'
  }),
  ...end
})

export const AuditAnswers = {
  description:
    'A page; as application/x-ndjson, where Accept prefers it: a record a line, the last line `{"end": {...}}` with the rest. A stream without that line is not whole.',
  content: {
    'application/json': { schema: AuditAnswer },
    'application/x-ndjson': {
      schema: Type.Unsafe<Readable>(Type.String())
    }
  }
}
