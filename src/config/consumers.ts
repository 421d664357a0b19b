/**
 * The consumers of `purser key issue-all`: whom a key is issued to, and in which Kubernetes Secret it is put. Rule:
 * unknown members are errors, and every fault is told at once, so that either all keys are issued or none.
 */
import { type Static, Type } from 'typebox'
import { isClientName } from '../core/policy.ts'
import { ENVIRONMENTS, type Environment, MODES } from '../core/principal.ts'
import { isScope } from '../core/scope.ts'
import { type Path, type Report, soundPart } from '../core/shape.ts'
import type { KeyRequest } from '../keys/api-key.ts'
import { isKeyId } from '../keys/key-id.ts'
import { daysIn } from '../keys/lifetime.ts'
import { isNetwork, NETWORK_FORM, NETWORKS_MAX } from '../keys/networks.ts'
import type { Sound } from './rules.ts'
import { readYaml } from './yaml-document.ts'

const strict = { additionalProperties: false } as const

const Consumer = Type.Object(
  {
    client: Type.String(),
    scopes: Type.Array(Type.String(), { minItems: 1, maxItems: 32 }),
    mode: Type.Enum(MODES),
    environment: Type.Optional(Type.Enum(ENVIRONMENTS)),
    expires: Type.Optional(Type.String()),
    networks: Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: NETWORKS_MAX })),
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

type Entry = Static<typeof Consumer>

const daysOf = ({ expires }: Sound<Entry>, { maxDays }: ConsumerDefaults): number | undefined => {
  const limit = maxDays === 0 ? undefined : maxDays
  return expires === undefined ? limit : daysIn(expires)
}

const secretNameOf = ({ client, secretName }: Sound<Entry>): string | undefined =>
  secretName ?? (client && `${client.toLowerCase().replaceAll('_', '-')}-purser-key`)

const checkLife = (entry: Sound<Entry>, defaults: ConsumerDefaults): string | undefined => {
  const { maxDays } = defaults
  const days = daysOf(entry, defaults)
  if (days === undefined) {
    return entry.expires === undefined ? undefined : 'must be a number of days such as 90d'
  }
  return maxDays !== 0 && days > maxDays ? `is more than API_KEY_MAX_DAYS: ${maxDays}` : undefined
}

const checkConsumer = (
  entry: Sound<Entry>,
  defaults: ConsumerDefaults,
  at: Path,
  report: Report
): void => {
  const { client, scopes = [], networks = [], identifier, namespace } = entry
  const isNamed = client !== undefined && isClientName(client)
  const secretName = isNamed ? secretNameOf(entry) : entry.secretName
  if (client !== undefined && !isNamed) {
    report([...at, 'client'], 'must be up to 64 letters, digits, dots, _ and hyphens')
  }
  scopes.forEach((scope, i) => {
    if (scope === undefined || isScope(scope)) return
    report([...at, 'scopes', i], 'must be a scope such as aura-services:token')
  })
  networks.forEach((network, i) => {
    if (network === undefined || isNetwork(network.toLowerCase())) return
    report([...at, 'networks', i], `must be ${NETWORK_FORM}`)
  })
  if (identifier !== undefined && !isKeyId(identifier.toLowerCase())) {
    report([...at, 'identifier'], 'must be a UUID')
  }
  if (secretName !== undefined && !SECRET_NAME.test(secretName)) {
    report(
      [...at, 'secretName'],
      'must be a name that Kubernetes allows; by default it is made from the client'
    )
  }
  if (namespace !== undefined && !NAMESPACE.test(namespace)) {
    report([...at, 'namespace'], 'must be a name that Kubernetes allows')
  }
  const life = checkLife(entry, defaults)
  if (life !== undefined) report([...at, 'expires'], life)
}

const toConsumer = (entry: Entry, defaults: ConsumerDefaults): Consumer => {
  const days = daysOf(entry, defaults)
  return {
    request: {
      keyId: entry.identifier?.toLowerCase(),
      client: entry.client,
      scopes: [...new Set(entry.scopes)],
      mode: entry.mode,
      environment: entry.environment ?? defaults.environment,
      minimumVersion: defaults.minimumVersion,
      networks: entry.networks?.map((network) => network.toLowerCase()),
      lifetimeSeconds: days === undefined ? undefined : days * 86_400
    },
    secretName: secretNameOf(entry) ?? '',
    namespace: entry.namespace
  }
}

/** Parses the text of the file; `label` is what faults call it. Throws ConfigError with every fault. */
export const parseConsumers = (
  text: string,
  label: string,
  defaults: ConsumerDefaults
): Consumer[] => {
  const { content, report, refuse } = readYaml(text, label)
  const { clients = [] } = (soundPart(File, content ?? {}, report) ?? {}) as Sound<
    Static<typeof File>
  >
  const once = new Set<string>()
  clients.forEach((entry, i) => {
    if (entry === undefined) return
    const at = ['clients', i]
    checkConsumer(entry, defaults, at, report)
    const keyId = entry.identifier?.toLowerCase()
    const name = secretNameOf(entry)
    const secret = name && `${entry.namespace ?? ''}/${name}`
    if (secret !== undefined && once.has(secret))
      report([...at, 'secretName'], 'is that of another client, which would replace it')
    if (keyId !== undefined && once.has(keyId)) report([...at, 'identifier'], 'stands twice')
    for (const taken of [secret, keyId]) if (taken !== undefined) once.add(taken)
  })
  refuse()
  return (clients as Entry[]).map((entry) => toConsumer(entry, defaults))
}
