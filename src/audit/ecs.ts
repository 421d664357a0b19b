/** A record as an event of the Elastic Common Schema (https://www.elastic.co/docs/reference/ecs, 8.17). */
import { httpRoute, type TrailRecord } from './record.ts'

const VERSION = '8.17.0'

/** All is asked for over an API, of which alone a type says that it was allowed or denied. */
const CATEGORIES: Readonly<Record<string, readonly string[]>> = {
  'key.authenticate': ['api', 'authentication'],
  'key.introspect': ['api', 'authentication'],
  'key.authorize': ['api', 'authentication'],
  'key.login': ['api', 'authentication'],
  'key.issue': ['api', 'iam'],
  'key.revoke': ['api', 'iam'],
  'config.reload': ['api', 'configuration'],
  'session.open': ['api', 'authentication'],
  'session.authenticate': ['api', 'authentication'],
  'session.reauthenticate': ['api', 'authentication'],
  'session.end': ['api', 'authentication'],
  'limit.reach': ['api', 'intrusion_detection']
}

/** By the word behind the dot. */
const TYPES: Readonly<Record<string, string>> = {
  authenticate: 'start',
  reauthenticate: 'start',
  login: 'start',
  introspect: 'info',
  authorize: 'info',
  end: 'end',
  purge: 'deletion',
  issue: 'creation',
  seal: 'creation',
  write: 'change',
  refresh: 'change',
  reload: 'change',
  delete: 'deletion',
  revoke: 'deletion',
  invalidate: 'deletion'
}

const OUTCOMES: Readonly<Record<string, string>> = {
  allowed: 'success',
  denied: 'failure',
  failed: 'failure'
}

/** `allowed` and `denied` are ECS types themselves; a failure was neither, and the outcome says so. */
const typesOf = (action: string, outcome: string): string[] => {
  const [, verb = ''] = action.split('.')
  const type = action === 'session.open' ? 'start' : (TYPES[verb] ?? 'access')
  return outcome === 'failed' ? [type] : [type, outcome]
}

/** Members without a value are left out; texts are as the trail has them. */
export const toEcs = (record: TrailRecord): Readonly<Record<string, unknown>> => {
  const { time, action, outcome, code, reason, client, keyId, kid, address, requestId } = record
  const { environment, reference, object, version, cache, instance, seq, digest, route } = record
  const { sessionId, user, issuer, subject, tokenId } = record
  const http = httpRoute(route)
  return {
    '@timestamp': time,
    ecs: { version: VERSION },
    event: {
      kind: 'event',
      category: CATEGORIES[action] ?? ['api'],
      type: typesOf(action, outcome),
      action,
      outcome: OUTCOMES[outcome] ?? 'unknown',
      dataset: 'purser.audit',
      ...(code && { code }),
      ...(reason && { reason }),
      ...(instance && seq && { id: `${instance}:${seq}`, sequence: seq }),
      ...(digest && { hash: digest })
    },
    service: {
      name: 'purser',
      type: 'purser',
      ...(environment && { environment }),
      ...(instance && { node: { name: instance } })
    },
    ...(client && { user: { name: client, ...(user && { email: user }) } }),
    ...(address && { client: { address, ip: address }, source: { address, ip: address } }),
    ...((http || requestId) && {
      http: {
        request: { ...(requestId && { id: requestId }), ...(http && { method: http.method }) }
      }
    }),
    ...(http && { url: { path: http.path } }),
    labels: {
      ...(keyId && { key_id: keyId }),
      ...(kid && { kid }),
      ...(sessionId && { session_id: sessionId }),
      ...(reference && { reference }),
      ...(object && { object }),
      ...(issuer && { issuer }),
      ...(subject && { subject }),
      ...(tokenId && { token_id: tokenId }),
      ...(version && { version }),
      ...(cache && { cache }),
      ...(http?.dialect && { door: http.dialect }),
      ...(!http && route && { route })
    }
  }
}
