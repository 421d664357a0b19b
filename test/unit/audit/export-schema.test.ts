/**
 * Every kind of record as the published schemas have it: OCSF 1.5 and ECS 8.17. Rule: no attribute that the schema does
 * not know, none that it requires missing, each of its type, each number and word one of those that it allows.
 */
import { readFileSync } from 'node:fs'
import { test } from 'tap'
import { toEcs } from '../../../src/audit/ecs.ts'
import { toOcsf } from '../../../src/audit/ocsf.ts'
import type { TrailRecord } from '../../../src/audit/record.ts'
import type { AuditEvent } from '../../../src/core/audit-event.ts'
import { READ } from '../../support/trail-record.ts'

type Json = Readonly<Record<string, unknown>>

const read = (name: string) => JSON.parse(readFileSync(`test/unit/vectors/${name}`, 'utf8'))

/** The compiler asks for each. */
const ACTIONS: Readonly<Record<AuditEvent['action'], true>> = {
  'secret.read': true,
  'secret.list': true,
  'secret.write': true,
  'secret.delete': true,
  'key.authenticate': true,
  'key.introspect': true,
  'key.authorize': true,
  'key.login': true,
  'key.issue': true,
  'key.revoke': true,
  'session.open': true,
  'session.authenticate': true,
  'session.reauthenticate': true,
  'session.end': true,
  'cache.invalidate': true,
  'bot.list': true,
  'bot.read': true,
  'object.write': true,
  'object.delete': true,
  'token.issue': true,
  'token.refresh': true,
  'state.seal': true,
  'state.open': true,
  'event.receive': true,
  'events.open': true,
  'events.end': true,
  'admin.read': true,
  'config.reload': true,
  'limit.reach': true,
  'audit.purge': true,
  'state.purge': true,
  'state.backup': true,
  'state.restore': true
}
const OUTCOMES = ['allowed', 'denied', 'failed'] as const

/** With all that a record can have, and with the least. */
const recordsOf = (action: string, outcome: string): TrailRecord[] => [
  { ...READ, action, outcome, object: 'session other' },
  {
    ...READ,
    action,
    outcome,
    object: 'bot sample-bot',
    issuer: 'https://oidc.example',
    subject: 'system:serviceaccount:shop:cart',
    tokenId: 'the-id-of-a-token',
    code: 'access_denied',
    reason: 'no_rule'
  },
  { time: '2026-03-01T12:00:00.000Z', action, outcome, route: 'retention', requestId: 'r2' }
]

const everyRecord = Object.keys(ACTIONS).flatMap((action) =>
  OUTCOMES.flatMap((outcome) => recordsOf(action, outcome))
)

interface Attribute {
  readonly requirement: string
  readonly type: string
  readonly array?: true
  readonly enum?: readonly string[]
}

interface Shape {
  readonly constraints: {
    readonly at_least_one?: readonly string[]
    readonly just_one?: readonly string[]
  }
  readonly attributes: Readonly<Record<string, Attribute>>
}

const OCSF = read('ocsf-1.5.0.json') as {
  readonly classes: Readonly<Record<string, Shape & { readonly category: number }>>
  readonly objects: Readonly<Record<string, Shape>>
}

const isWhole = (value: unknown): boolean => Number.isSafeInteger(value)
const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''
const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  integer_t: isWhole,
  long_t: isWhole,
  timestamp_t: isWhole,
  port_t: isWhole,
  boolean_t: (value) => typeof value === 'boolean'
}

const wrongValue = (at: string, { type, enum: allowed }: Attribute, value: unknown): string[] => {
  const shape = OCSF.objects[type]
  if (shape !== undefined) return wrongIn(at, shape, value as Json)
  // Anything may stand in an object without attributes of its own.
  if (type === 'object') return typeof value === 'object' ? [] : [`${at} is no object`]
  if (!type.endsWith('_t')) return [`${at}: the vectors lack the object ${type}`]
  if (!(TYPES[type] ?? isText)(value)) return [`${at} is no ${type}`]
  return allowed === undefined || allowed.includes(String(value)) ? [] : [`${at} is not allowed`]
}

const wrongIn = (at: string, { attributes, constraints }: Shape, event: Json): string[] => {
  const names = Object.keys(event)
  const given = (some: readonly string[] = []) => some.filter((name) => names.includes(name))
  return [
    ...names.filter((name) => !(name in attributes)).map((name) => `${at}.${name} is not known`),
    ...Object.entries(attributes)
      .filter(([name, { requirement }]) => requirement === 'required' && !names.includes(name))
      .map(([name]) => `${at}.${name} is missing`),
    ...(constraints.at_least_one && given(constraints.at_least_one).length === 0
      ? [`${at} has none of ${constraints.at_least_one}`]
      : []),
    ...names.flatMap((name) => {
      const attribute = attributes[name]
      if (attribute === undefined) return []
      const value = event[name]
      if (attribute.array !== true) return wrongValue(`${at}.${name}`, attribute, value)
      if (!Array.isArray(value)) return [`${at}.${name} is no array`]
      return value.flatMap((one, n) => wrongValue(`${at}.${name}.${n}`, attribute, one))
    })
  ]
}

test('every kind of record is a valid event of OCSF', (t) => {
  for (const record of everyRecord) {
    const event = toOcsf(record)
    const name = `${record.action} ${record.outcome} ${record.requestId}`
    const { class_uid, category_uid, activity_id, type_uid } = event
    const shape = OCSF.classes[String(class_uid)]
    if (shape === undefined) throw new Error(`no class ${class_uid}`)
    t.same(wrongIn('', shape, event), [], name)
    t.equal(category_uid, shape.category, name)
    t.equal(type_uid, Number(class_uid) * 100 + Number(activity_id), name)
    if (activity_id === 99) t.ok(isText(event['activity_name']), `${name}: Other has a name`)
    t.equal((event['metadata'] as Json)['version'], '1.5.0')
  }
  t.end()
})

test('the check finds what is missing, unknown, of another type and not allowed', (t) => {
  const [record] = recordsOf('secret.read', 'allowed')
  const event = toOcsf(record as TrailRecord)
  const shape = OCSF.classes['6003'] as Shape
  const { api: _, ...without } = event
  t.same(wrongIn('', shape, without), ['.api is missing'])
  t.same(wrongIn('', shape, { ...event, secret: 'x' }), ['.secret is not known'])
  t.same(wrongIn('', shape, { ...event, time: 'now' }), ['.time is no timestamp_t'])
  t.same(wrongIn('', shape, { ...event, severity_id: 17 }), ['.severity_id is not allowed'])
  t.same(wrongIn('', shape, { ...event, src_endpoint: {} }), [
    `.src_endpoint has none of ${OCSF.objects['network_endpoint']?.constraints.at_least_one}`
  ])
  t.end()
})

interface Field {
  readonly type: string
  readonly array?: true
  /** With the types of event that a category is expected with. */
  readonly allowed?: Readonly<Record<string, readonly string[]>>
}

const ECS = (read('ecs-8.17.json') as { readonly fields: Readonly<Record<string, Field>> }).fields

const fieldsIn = (event: Json, before = ''): (readonly [string, unknown])[] =>
  Object.entries(event).flatMap(([name, value]) => {
    const path = `${before}${name}`
    const isBranch = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isBranch && ECS[path] === undefined
      ? fieldsIn(value as Json, `${path}.`)
      : [[path, value] as const]
  })

const wrongField = ([path, value]: readonly [string, unknown]): string[] => {
  const field = ECS[path]
  if (field === undefined) return [`${path} is not known`]
  const { type, array, allowed } = field
  if (type === 'object') return []
  if (Array.isArray(value) !== (array === true)) return [`${path}: array or not`]
  const all = Array.isArray(value) ? value : [value]
  const isOfType = /^(long|integer)$/.test(type) ? isWhole : isText
  return all.flatMap((one) => [
    ...(isOfType(one) ? [] : [`${path} is no ${type}`]),
    ...(allowed === undefined || String(one) in allowed ? [] : [`${path}: ${one} is not allowed`])
  ])
}

test('every kind of record is an event of ECS, with the categories and types that it expects together', (t) => {
  const categories = ECS['event.category']?.allowed ?? {}
  for (const record of everyRecord) {
    const event = toEcs(record)
    const name = `${record.action} ${record.outcome} ${record.requestId}`
    t.same(fieldsIn(event).flatMap(wrongField), [], name)
    const { category, type } = event['event'] as { category: string[]; type: string[] }
    for (const one of type) {
      t.ok(
        category.some((of) => categories[of]?.includes(one)),
        `${name}: ${one} of ${category}`
      )
    }
    for (const label of Object.values(event['labels'] as Json))
      t.ok(isText(label), 'labels are flat')
  }
  t.end()
})
