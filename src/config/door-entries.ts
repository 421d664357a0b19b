/** An entry of `doors:` of `purser.yaml`, as it is written and as it is understood. */
import { type Static, Type } from 'typebox'

export const DIALECTS = ['vault', 'aws', 'aws-agent', 'dapr'] as const
export type Dialect = (typeof DIALECTS)[number]

const Host = Type.String({ minLength: 1, maxLength: 253 })
const Port = Type.Integer({ minimum: 0, maximum: 65_535 })
/** That ARNs of the door's answers name. */
const Region = Type.String({ pattern: '^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$' })
const TargetText = Type.String({ minLength: 1, maxLength: 1_024 })
export const MountEntry = Type.Union([
  TargetText,
  Type.Object(
    { store: TargetText, version: Type.Optional(Type.Integer()) },
    { additionalProperties: false }
  )
])

export type MountEntry = Static<typeof MountEntry>

const strict = { additionalProperties: false }

const ofAws = { host: Type.Optional(Host), store: TargetText, region: Type.Optional(Region) }

export const DoorEntry = Type.Union([
  Type.Object(
    {
      dialect: Type.Literal('vault'),
      port: Port,
      host: Type.Optional(Host),
      mounts: Type.Record(Type.String(), MountEntry)
    },
    strict
  ),
  Type.Object(
    {
      dialect: Type.Literal('aws'),
      port: Type.Optional(Port),
      ...ofAws
    },
    strict
  ),
  Type.Object(
    {
      dialect: Type.Literal('aws-agent'),
      port: Port,
      ...ofAws
    },
    strict
  ),
  Type.Object(
    {
      dialect: Type.Literal('dapr'),
      port: Type.Optional(Port),
      host: Type.Optional(Host),
      stores: Type.Optional(Type.Record(Type.String(), TargetText))
    },
    strict
  )
])
export type DoorEntry = Static<typeof DoorEntry>

/** At most; each may be a listener of its own. */
export const DOORS_MAX = 16

/** Where a path of a door leads: below a path of a store, or to the names of `secrets:`. */
export type Target =
  | { readonly kind: 'names' }
  | { readonly kind: 'below'; readonly store: string; readonly path: string }

export interface Mount {
  readonly target: Target
  /** Of the KV engine that it passes for. */
  readonly version: 1 | 2
}

/** Undefined: the public listener. */
export interface DoorPlace {
  readonly host: string | undefined
  readonly port: number
}

interface OfDialect<D extends Dialect> {
  readonly dialect: D
  readonly place: DoorPlace | undefined
}

export type VaultDoorConfig = OfDialect<'vault'> & { readonly mounts: ReadonlyMap<string, Mount> }

interface OfAws {
  readonly target: Target
  readonly region: string | undefined
}
export type AwsDoorConfig = OfDialect<'aws'> & OfAws
export type AwsAgentDoorConfig = OfDialect<'aws-agent'> & OfAws
export type DaprDoorConfig = OfDialect<'dapr'> & {
  /** By the names that callers give; undefined: each store by its own name. */
  readonly stores: ReadonlyMap<string, Target> | undefined
}
export type DoorConfig = VaultDoorConfig | AwsDoorConfig | AwsAgentDoorConfig | DaprDoorConfig
