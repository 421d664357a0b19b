/** A record as an event of the Elastic Common Schema (https://www.elastic.co/docs/reference/ecs, 8.17). */
import { httpRoute, type TrailRecord } from './record.ts'

const VERSION = '8.17.0'

const CATEGORIES: Readonly<Record<string, readonly string[]>> = {
  key: ['iam', 'authentication'],
  config: ['configuration'],
  limit: ['api', 'intrusion_detection']
}

const TYPES: Readonly<Record<string, string>> = {
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

/** `allowed` and `denied` are ECS types themselves; a failure was neither. */
const typesOf = (action: string, outcome: string): string[] => {
  const [, verb = ''] = action.split('.')
  const type = TYPES[verb] ?? 'access'
  return outcome === 'failed' ? [type, 'error'] : [type, outcome]
}

/** Members without a value are left out; texts are as the trail has them. */
export const toEcs = (record: TrailRecord): Readonly<Record<string, unknown>> => {
  const { time, action, outcome, code, reason, client, keyId, kid, address, requestId } = record
  const { environment, reference, object, version, cache, instance, seq, digest, route } = record
  const http = httpRoute(route)
  return {
    '@timestamp': time,
    ecs: { version: VERSION },
    event: {
      kind: 'event',
      category: CATEGORIES[action.split('.', 1)[0] ?? ''] ?? ['api'],
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
    ...(client && { user: { name: client } }),
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
      ...(reference && { reference }),
      ...(object && { object }),
      ...(version && { version }),
      ...(cache && { cache }),
      ...(!http && route && { route })
    }
  }
}
