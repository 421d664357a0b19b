/**
 * The consumers of `purser key issue-all`: whom a key is issued to, and in which Kubernetes Secret it is put. Rule: unknown
 * members are errors, and every fault is told at once, so that either all keys are issued or none.
 */
import { type Static, Type } from 'typebox'
import { isClientName } from '../core/policy.ts'
import { ENVIRONMENTS, type Environment, MODES } from '../core/principal.ts'
import { isScope } from '../core/scope.ts'
import { checkShape, type Path, type Report } from '../core/shape.ts'
import { isKeyId, type KeyRequest } from '../keys/api-key.ts'
import { daysIn } from '../keys/lifetime.ts'
import { readYaml } from './yaml-document.ts'

const strict = { additionalProperties: false } as const

const Consumer = Type.Object(
  {
    client: Type.String(),
    scopes: Type.Array(Type.String(), { minItems: 1, maxItems: 32 }),
    mode: Type.Enum(MODES),
    environment: Type.Optional(Type.Enum(ENVIRONMENTS)),
    expires: Type.Optional(Type.String()),
    identifier: Type.Optional(Type.String()),
    secretName: Type.Optional(Type.String()),
    namespace: Type.Optional(Type.String())
  },
  strict
)
const File = Type.Object(
  { clients: Type.Array(Consumer, { minItems: 1, maxItems: 10_000 }) },
  strict
)

export interface Consumer {
  readonly request: KeyRequest
  /** Of the Kubernetes Secret. */
  readonly secretName: string
  /** Undefined: whichever kubectl works in. */
  readonly namespace: string | undefined
}

export interface ConsumerDefaults {
  readonly environment: Environment
  readonly minimumVersion: string
  /** API_KEY_MAX_DAYS; 0 is no limit. */
  readonly maxDays: number
}

// RFC 1123, as Kubernetes asks for it.
const SECRET_NAME = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const NAMESPACE = /^(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?$/

const lifeOf = (
  expires: string | undefined,
  { maxDays }: ConsumerDefaults,
  report: (message: string) => void
): number | undefined => {
  const limit = maxDays === 0 ? undefined : maxDays
  if (expires === undefined) return limit
  const days = daysIn(expires)
  if (days === undefined) report('must be a number of days such as 90d')
  else if (limit !== undefined && days > limit) report(`is more than API_KEY_MAX_DAYS: ${limit}`)
  return days
}

const readConsumer = (
  entry: Static<typeof Consumer>,
  defaults: ConsumerDefaults,
  at: Path,
  report: Report
): Consumer => {
  const { client, scopes, mode, environment, expires, identifier, namespace } = entry
  const name = `${client.toLowerCase().replaceAll('_', '-')}-purser-key`
  const { secretName = name } = entry
  if (!isClientName(client)) {
    report([...at, 'client'], 'must be up to 64 letters, digits, dots, _ and hyphens')
  }
  scopes.forEach((scope, i) => {
    if (!isScope(scope)) report([...at, 'scopes', i], 'must be a scope such as aura-services:token')
  })
  const keyId = identifier?.toLowerCase()
  if (keyId !== undefined && !isKeyId(keyId)) report([...at, 'identifier'], 'must be a UUID')
  if (!SECRET_NAME.test(secretName)) {
    report(
      [...at, 'secretName'],
      'must be a name that Kubernetes allows; by default it is made from the client'
    )
  }
  if (namespace !== undefined && !NAMESPACE.test(namespace)) {
    report([...at, 'namespace'], 'must be a name that Kubernetes allows')
  }
  const days = lifeOf(expires, defaults, (message) => report([...at, 'expires'], message))
  return {
    request: {
      keyId,
      client,
      scopes: [...new Set(scopes)],
      mode,
      environment: environment ?? defaults.environment,
      minimumVersion: defaults.minimumVersion,
      lifetimeSeconds: days === undefined ? undefined : days * 86_400
    },
    secretName,
    namespace
  }
}

/** Parses the text of the file; `label` is what faults call it. Throws ConfigError with every fault. */
export const parseConsumers = (
  text: string,
  label: string,
  defaults: ConsumerDefaults
): Consumer[] => {
  const { content, report, refuse } = readYaml(text, label)
  if (!checkShape(File, content ?? {}, [], report)) refuse()
  const { clients } = content as Static<typeof File>
  const once = new Set<string>()
  const consumers = clients.map((entry, i) => {
    const at = ['clients', i]
    const consumer = readConsumer(entry, defaults, at, report)
    const { request, namespace = '', secretName } = consumer
    const secret = `${namespace}/${secretName}`
    if (once.has(secret))
      report([...at, 'secretName'], 'is that of another client, which would replace it')
    if (request.keyId !== undefined && once.has(request.keyId))
      report([...at, 'identifier'], 'stands twice')
    once.add(secret).add(request.keyId ?? secret)
    return consumer
  })
  refuse()
  return consumers
}
