/**
 * A record as an event of the Open Cybersecurity Schema Framework (https://schema.ocsf.io, 1.5.0): API Activity, for
 * keys that were shown Authentication, for keys that were issued or revoked Entity Management.
 */
import { httpRoute, type TrailRecord } from './record.ts'

const VERSION = '1.5.0'
const PRODUCT = { name: 'Purser', vendor_name: 'Purser' }

const AUTHENTICATION: ReadonlySet<string> = new Set([
  'key.authenticate',
  'key.introspect',
  'key.login',
  'key.authorize',
  'session.open',
  'session.authenticate',
  'session.reauthenticate',
  'session.end'
])
const ENTITY_MANAGEMENT: ReadonlySet<string> = new Set(['key.issue', 'key.revoke'])

/** By the word behind the dot; all else is 99, Other. */
const ACTIVITIES: Readonly<Record<string, number>> = {
  issue: 1,
  seal: 1,
  read: 2,
  list: 2,
  open: 2,
  write: 3,
  refresh: 3,
  reload: 3,
  delete: 4,
  revoke: 4,
  invalidate: 4,
  purge: 4
}

const OUTCOMES: Readonly<Record<string, { status_id: number; severity_id: number }>> = {
  allowed: { status_id: 1, severity_id: 1 },
  failed: { status_id: 2, severity_id: 2 },
  denied: { status_id: 2, severity_id: 3 }
}

const classOf = (action: string) => {
  if (AUTHENTICATION.has(action)) return { category_uid: 3, class_uid: 3002 }
  if (ENTITY_MANAGEMENT.has(action)) return { category_uid: 3, class_uid: 3004 }
  return { category_uid: 6, class_uid: 6003 }
}

const activityOf = (action: string, classUid: number): number =>
  classUid === 3002
    ? action === 'session.end'
      ? 2
      : 1
    : (ACTIVITIES[action.split('.')[1] ?? ''] ?? 99)

const subjectsOf = ({ reference, object, version }: TrailRecord) =>
  [
    reference && { name: reference, type: 'secret', ...(version && { version }) },
    object && { name: object, type: object.split(' ', 1)[0] }
  ].filter((one) => one !== undefined && one !== '')

const SESSION = /^session (.+)$/

/** One that somebody ended who acts in another, or by a key. */
const endedOf = ({ action, object = '' }: TrailRecord) => {
  const uid = action === 'session.end' ? SESSION.exec(object)?.[1] : undefined
  return uid === undefined ? undefined : { uid }
}

const metadataOf = ({ instance, seq }: TrailRecord) => ({
  version: VERSION,
  product: PRODUCT,
  log_name: 'audit',
  ...(instance && seq && { uid: `${instance}:${seq}`, sequence: seq })
})

/** Members without a value are left out; texts are as the trail has them. */
export const toOcsf = (record: TrailRecord): Readonly<Record<string, unknown>> => {
  const { time, action, outcome, code, reason, client, keyId, address, requestId } = record
  const { environment, kid, sessionId, cache, digest, route } = record
  const { user: email, issuer, subject, tokenId } = record
  const { category_uid, class_uid } = classOf(action)
  const activity_id = activityOf(action, class_uid)
  const isApi = class_uid === 6003
  const http = httpRoute(route)
  const user = {
    name: client ?? 'unknown',
    ...(keyId && { credential_uid: keyId }),
    ...(email && { email_addr: email })
  }
  const resources = subjectsOf(record)
  const ended = endedOf(record)
  return {
    category_uid,
    class_uid,
    activity_id,
    type_uid: class_uid * 100 + activity_id,
    ...(activity_id === 99 && { activity_name: action }),
    time: Date.parse(time),
    ...(OUTCOMES[outcome] ?? { status_id: 0, severity_id: 0 }),
    ...(code && { status_code: code }),
    ...(reason && { status_detail: reason }),
    message: `${action} ${outcome}`,
    metadata: metadataOf(record),
    actor: { user, ...(sessionId && { session: { uid: sessionId } }) },
    ...(class_uid === 3002 && {
      user,
      service: { name: 'purser' },
      auth_protocol_id: 99,
      auth_protocol: 'API key',
      ...(ended && { session: ended })
    }),
    ...(class_uid === 3004 && { entity: { type: 'API key', uid: reason ?? 'unknown' } }),
    ...(isApi && {
      api: {
        operation: action,
        service: { name: 'purser' },
        ...(requestId && { request: { uid: requestId } })
      },
      ...(resources.length > 0 && { resources })
    }),
    src_endpoint: address ? { ip: address } : { name: 'local' },
    ...(http && { http_request: { http_method: http.method, url: { path: http.path } } }),
    unmapped: {
      // Classes of IAM have no place for these.
      ...(!isApi && { operation: action, ...(requestId && { request_id: requestId }) }),
      ...(!isApi && resources.length > 0 && { resources }),
      ...(environment && { environment }),
      ...(kid && { kid }),
      ...(issuer && { issuer }),
      ...(subject && { subject }),
      ...(tokenId && { token_id: tokenId }),
      ...(cache && { cache }),
      ...(http?.dialect && { door: http.dialect }),
      ...(!http && route && { route }),
      ...(digest && { digest })
    }
  }
}
