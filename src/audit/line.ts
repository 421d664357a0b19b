/**
 * An audit event as one line of JSON. Rule: its members are named here one by one and in this order, and whatever a
 * caller had a hand in is cut to a length and cannot end a line or steer a terminal.
 */
import type { AuditEvent } from '../core/audit-event.ts'

const LONGEST_REFERENCE = 2_300
const LONGEST_CLIENT = 64
const LONGEST_REQUEST_ID = 128
const LONGEST_OTHER = 256

const cut = (text: string | undefined, length = LONGEST_OTHER): string | undefined =>
  text !== undefined && text.length > length ? text.slice(0, length) : text

// JSON leaves these as they are, but readers of lines and terminals do not (C1 controls, line and paragraph separator).
const UNSAFE = /[\u007f-\u009f\u2028\u2029]/g

const escaped = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** `time` is ISO 8601 in UTC with milliseconds. The line ends with a line feed, and has no other. */
export const lineOf = (time: string, event: AuditEvent): string => {
  const line = JSON.stringify({
    time,
    action: event.action,
    outcome: event.outcome,
    code: event.code,
    reason: cut(event.reason),
    environment: event.environment,
    client: cut(event.client, LONGEST_CLIENT),
    keyId: cut(event.keyId),
    kid: cut(event.kid),
    route: cut(event.route),
    requestId: cut(event.requestId, LONGEST_REQUEST_ID),
    address: cut(event.address),
    reference: cut(event.reference, LONGEST_REFERENCE),
    object: cut(event.object),
    version: cut(event.version),
    cache: event.cache
  } satisfies Record<keyof AuditEvent | 'time', string | undefined>)
  return `${line.replace(UNSAFE, escaped)}\n`
}
