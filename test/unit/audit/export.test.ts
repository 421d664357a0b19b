/** Records as other systems read them: whole events, so that a change of a mapping is seen here. */
import { test } from 'tap'
import { toEcs } from '../../../src/audit/ecs.ts'
import { toOcsf } from '../../../src/audit/ocsf.ts'
import { recordIn, type TrailRecord } from '../../../src/audit/record.ts'
import { READ } from '../../support/trail-record.ts'

const REFUSED: TrailRecord = {
  time: READ.time,
  action: 'key.authenticate',
  outcome: 'denied',
  code: 'invalid_api_key',
  reason: 'revoked',
  route: 'GET /v1/secrets',
  requestId: 'r2',
  address: '192.0.2.7'
}

const ISSUED: TrailRecord = {
  time: READ.time,
  action: 'key.issue',
  outcome: 'allowed',
  reason: '0b6d1c9e-9a34-4c57-8f0e-2a6f4c1d7e55',
  client: 'operator',
  route: 'cli key issue',
  requestId: 'r3'
}

test('a read is API Activity in OCSF', async (t) => {
  t.strictSame(toOcsf(READ), {
    category_uid: 6,
    class_uid: 6003,
    activity_id: 2,
    type_uid: 600302,
    time: Date.parse(READ.time),
    status_id: 1,
    severity_id: 1,
    message: 'secret.read allowed',
    metadata: {
      version: '1.5.0',
      product: { name: 'Purser', vendor_name: 'Purser' },
      log_name: 'audit',
      uid: 'abcdefghijk:17',
      sequence: 17
    },
    actor: { user: { name: 'aos-app', credential_uid: READ.keyId } },
    api: {
      operation: 'secret.read',
      service: { name: 'purser' },
      request: { uid: 'r1' }
    },
    src_endpoint: { ip: '192.0.2.7' },
    http_request: { http_method: 'GET', url: { path: '/v1/secrets' } },
    resources: [{ name: 'aws:acme/db#password', type: 'secret', version: '3' }],
    unmapped: { environment: 'pro', kid: 'abcdefgh', cache: 'HIT', digest: 'D' }
  })
})

test('a key that was refused is Authentication in OCSF, one that was issued Entity Management', async (t) => {
  t.match(toOcsf(REFUSED), {
    category_uid: 3,
    class_uid: 3002,
    activity_id: 1,
    type_uid: 300201,
    status_id: 2,
    severity_id: 3,
    status_code: 'invalid_api_key',
    status_detail: 'revoked',
    user: { name: 'unknown' },
    service: { name: 'purser' }
  })
  t.match(toOcsf(ISSUED), {
    class_uid: 3004,
    type_uid: 300401,
    entity: { type: 'API key', uid: ISSUED.reason },
    actor: { user: { name: 'operator' } },
    src_endpoint: { name: 'local' },
    unmapped: { route: 'cli key issue' },
    http_request: undefined
  })
})

test('what OCSF has no activity for is Other, by its name', async (t) => {
  t.match(toOcsf({ ...READ, action: 'limit.reach' }), {
    activity_id: 99,
    type_uid: 600399,
    activity_name: 'limit.reach'
  })
})

test('a read in ECS', async (t) => {
  t.strictSame(toEcs(READ), {
    '@timestamp': READ.time,
    ecs: { version: '8.17.0' },
    event: {
      kind: 'event',
      category: ['api'],
      type: ['access', 'allowed'],
      action: 'secret.read',
      outcome: 'success',
      dataset: 'purser.audit',
      id: 'abcdefghijk:17',
      sequence: 17,
      hash: 'D'
    },
    service: {
      name: 'purser',
      type: 'purser',
      environment: 'pro',
      node: { name: 'abcdefghijk' }
    },
    user: { name: 'aos-app' },
    client: { address: '192.0.2.7', ip: '192.0.2.7' },
    source: { address: '192.0.2.7', ip: '192.0.2.7' },
    http: { request: { id: 'r1', method: 'GET' } },
    url: { path: '/v1/secrets' },
    labels: {
      key_id: READ.keyId,
      kid: 'abcdefgh',
      reference: 'aws:acme/db#password',
      version: '3',
      cache: 'HIT'
    }
  })
  t.match(toEcs(REFUSED), {
    event: {
      category: ['api', 'authentication'],
      type: ['start', 'denied'],
      outcome: 'failure',
      code: 'invalid_api_key',
      reason: 'revoked'
    }
  })
})

test('lines of the chain and lines that were cut off are no records', async (t) => {
  t.equal(recordIn('{"time":"2026-03-01T12:00:00.000Z","chain":"head"}'), undefined)
  t.equal(recordIn('{"time":"2026-03-01T12:00:0'), undefined)
  for (const member of ['time', 'action', 'outcome']) {
    t.equal(recordIn(JSON.stringify({ ...READ, [member]: 7 })), undefined, member)
  }
  t.equal(recordIn('7'), undefined)
  t.strictSame(recordIn(JSON.stringify(READ)), READ)
})
