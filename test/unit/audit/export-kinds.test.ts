/** Every kind of record as other systems file it, and what is left out where a record has it not. */
import { test } from 'tap'
import { toEcs } from '../../../src/audit/ecs.ts'
import { toOcsf } from '../../../src/audit/ocsf.ts'
import { httpRoute, type TrailRecord } from '../../../src/audit/record.ts'
import { READ } from '../../support/trail-record.ts'

const LEAST = { time: READ.time, outcome: 'allowed' }

test('what a record is of stands in its class and its activity in OCSF', (t) => {
  const kinds = {
    '3002 1': [
      'key.authenticate',
      'key.introspect',
      'key.login',
      'key.authorize',
      'session.open',
      'session.authenticate',
      'session.reauthenticate'
    ],
    '3002 2': ['session.end'],
    '3004 1': ['key.issue'],
    '3004 4': ['key.revoke'],
    '6003 1': ['token.issue', 'state.seal'],
    '6003 2': ['secret.read', 'secret.list', 'state.open', 'events.open', 'admin.read'],
    '6003 3': ['secret.write', 'token.refresh', 'config.reload'],
    '6003 4': ['secret.delete', 'cache.invalidate', 'audit.purge'],
    '6003 99': ['events.end', 'limit.reach', 'state.backup', 'nonsense']
  }
  for (const [kind, actions] of Object.entries(kinds)) {
    for (const action of actions) {
      const { class_uid, activity_id, activity_name } = toOcsf({ ...LEAST, action })
      t.equal(`${class_uid} ${activity_id}`, kind, action)
      t.equal(activity_name, activity_id === 99 ? action : undefined)
    }
  }
  t.end()
})

test('what a record is of stands in its category and its type in ECS', (t) => {
  const kinds = {
    'api,authentication start': [
      'key.authenticate',
      'key.login',
      'session.open',
      'session.authenticate',
      'session.reauthenticate'
    ],
    'api,authentication info': ['key.introspect', 'key.authorize'],
    'api,authentication end': ['session.end'],
    'api,iam creation': ['key.issue'],
    'api,iam deletion': ['key.revoke'],
    'api,configuration change': ['config.reload'],
    'api,intrusion_detection access': ['limit.reach'],
    'api access': ['secret.read', 'secret.list', 'state.open', 'nonsense'],
    'api creation': ['token.issue', 'state.seal'],
    'api change': ['secret.write', 'token.refresh'],
    'api deletion': ['secret.delete', 'cache.invalidate', 'state.purge'],
    'api end': ['events.end']
  }
  for (const [kind, actions] of Object.entries(kinds)) {
    for (const action of actions) {
      const [category, type] = kind.split(' ')
      t.match(
        toEcs({ ...LEAST, action })['event'],
        { category: category?.split(','), type: [type, 'allowed'] },
        action
      )
    }
  }
  t.end()
})

test('a failure is neither allowed nor denied, and an outcome that nobody knows is unknown', (t) => {
  const seen = (outcome: string) => {
    const record = { ...LEAST, action: 'secret.read', outcome }
    const { status_id, severity_id } = toOcsf(record)
    const { type, outcome: told } = toEcs(record)['event'] as { type: string[]; outcome: string }
    return [status_id, severity_id, told, ...type].join(' ')
  }
  t.equal(seen('allowed'), '1 1 success access allowed')
  t.equal(seen('denied'), '2 3 failure access denied')
  t.equal(seen('failed'), '2 2 failure access')
  t.equal(seen('other'), '0 0 unknown access other')
  t.end()
})

test('a record with the least leaves out what it has not', (t) => {
  t.strictSame(toOcsf({ ...LEAST, action: 'audit.purge' }), {
    category_uid: 6,
    class_uid: 6003,
    activity_id: 4,
    type_uid: 600304,
    time: Date.parse(READ.time),
    status_id: 1,
    severity_id: 1,
    message: 'audit.purge allowed',
    metadata: {
      version: '1.5.0',
      product: { name: 'Purser', vendor_name: 'Purser' },
      log_name: 'audit'
    },
    actor: { user: { name: 'unknown' } },
    api: { operation: 'audit.purge', service: { name: 'purser' } },
    src_endpoint: { name: 'local' },
    unmapped: {}
  })
  t.strictSame(toEcs({ ...LEAST, action: 'audit.purge' }), {
    '@timestamp': READ.time,
    ecs: { version: '8.17.0' },
    event: {
      kind: 'event',
      category: ['api'],
      type: ['deletion', 'allowed'],
      action: 'audit.purge',
      outcome: 'success',
      dataset: 'purser.audit'
    },
    service: { name: 'purser', type: 'purser' },
    labels: {}
  })
  // Neither of the two alone names a line.
  for (const one of [{ instance: 'abcdefghijk' }, { seq: 7 }]) {
    const record = { ...LEAST, action: 'secret.read', ...one }
    t.notOk('uid' in (toOcsf(record)['metadata'] as object))
    t.notOk('id' in (toEcs(record)['event'] as object))
  }
  t.end()
})

test('a session that another one ended is told apart from that', (t) => {
  const record = { ...LEAST, action: 'session.end', sessionId: 'own', object: 'session other' }
  t.match(toOcsf(record), { session: { uid: 'other' }, actor: { session: { uid: 'own' } } })
  t.match(toEcs(record)['labels'], { session_id: 'own', object: 'session other' })
  t.notOk('session' in toOcsf({ ...LEAST, action: 'session.end', sessionId: 'own' }))
  t.end()
})

const SIGNED_IN: TrailRecord = {
  ...READ,
  action: 'session.open',
  code: 'c',
  reason: 'by_hand',
  sessionId: 's1',
  user: 'ada@example.org',
  object: 'provider google',
  issuer: 'https://oidc.example',
  subject: 'sub-1',
  tokenId: 'jti-1',
  route: 'vault GET /v1/auth'
}

test('a sign-in has who it was, what vouched for it and its session, each in its place', (t) => {
  const ocsf = toOcsf(SIGNED_IN)
  const user = {
    name: 'aos-app',
    credential_uid: READ.keyId,
    email_addr: 'ada@example.org'
  }
  const { actor, service, auth_protocol, auth_protocol_id, unmapped, api, entity } = ocsf
  t.strictSame(
    { actor, user: ocsf['user'], service, auth_protocol, auth_protocol_id, unmapped, api, entity },
    {
      actor: { user, session: { uid: 's1' } },
      user,
      service: { name: 'purser' },
      auth_protocol: 'API key',
      auth_protocol_id: 99,
      unmapped: {
        operation: 'session.open',
        request_id: 'r1',
        resources: [
          { name: 'aws:acme/db#password', type: 'secret', version: '3' },
          { name: 'provider google', type: 'provider' }
        ],
        environment: 'pro',
        kid: 'abcdefgh',
        issuer: 'https://oidc.example',
        subject: 'sub-1',
        token_id: 'jti-1',
        cache: 'HIT',
        door: 'vault',
        digest: 'D'
      },
      api: undefined,
      entity: undefined
    }
  )
  const { labels, user: person, url } = toEcs(SIGNED_IN)
  t.strictSame(person, { name: 'aos-app', email: 'ada@example.org' })
  t.strictSame(url, { path: '/v1/auth' })
  t.strictSame(labels, {
    key_id: READ.keyId,
    kid: 'abcdefgh',
    session_id: 's1',
    reference: 'aws:acme/db#password',
    object: 'provider google',
    issuer: 'https://oidc.example',
    subject: 'sub-1',
    token_id: 'jti-1',
    version: '3',
    cache: 'HIT',
    door: 'vault'
  })
  t.strictSame(toOcsf({ ...LEAST, action: 'key.revoke' })['entity'], {
    type: 'API key',
    uid: 'unknown'
  })
  t.end()
})

test('what came by no request has its route as it is, and no method', (t) => {
  const record = { ...LEAST, action: 'key.issue', route: 'cli key issue', requestId: 'r3' }
  const { labels, http, url } = toEcs(record)
  t.strictSame(
    [labels, http, url],
    [{ route: 'cli key issue' }, { request: { id: 'r3' } }, undefined]
  )
  t.equal(toOcsf(record)['http_request'], undefined)
  t.equal(httpRoute(undefined), undefined)
  t.equal(httpRoute('retention'), undefined)
  // Nothing of the request could be read, or it has no route.
  for (const route of [' ', ' /v1/secrets', 'GET ', 'GET v1']) t.equal(httpRoute(route), undefined)
  t.end()
})
