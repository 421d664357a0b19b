/**
 * Where the credentials of bots, providers and channels come from, and whether they can be read now: for administrators.
 * Rule: a reference is shown and a value never, whether it stands in the configuration or in a store.
 */
import type { Caller } from '../core/caller.ts'
import { ProblemError } from '../core/problem.ts'
import type { Broker } from '../secrets/broker.ts'
import { RESOURCE_KINDS, type ResourceKind, type ResourceTypes } from './resource-kinds.ts'
import type { ResourceCatalog } from './resources.ts'

export interface CredentialSource {
  readonly name: string
  /** Absent: it is written in the configuration. */
  readonly reference?: string
}

export interface TriedSource extends CredentialSource {
  readonly resolves: boolean
  /** The code of a problem, where it does not. */
  readonly code?: string
}

const credentialsIn = ({ credentials }: ResourceTypes['bots']): CredentialSource[] =>
  [...credentials].map(([name, credential]) =>
    'ref' in credential ? { name, reference: credential.ref } : { name }
  )

const secretsIn = ({ secrets }: ResourceTypes['channels']): CredentialSource[] =>
  secrets.map((reference, i) => ({ name: `secret ${i + 1}`, reference }))

const SOURCES: {
  readonly [K in ResourceKind]: (resource: ResourceTypes[K]) => CredentialSource[]
} = { bots: credentialsIn, providers: credentialsIn, channels: secretsIn }

export const sourcesIn = <K extends ResourceKind>(
  kind: K,
  resource: ResourceTypes[K]
): readonly CredentialSource[] => SOURCES[kind](resource)

export interface TrySources {
  /** `begin` is awaited before so many references are read. Rejects with a ProblemError. */
  readonly trySources: (
    caller: Caller,
    kind: ResourceKind,
    name: string,
    begin: (reads: number) => Promise<void>
  ) => Promise<readonly TriedSource[]>
}

export interface TrySourcesOptions {
  readonly resources: ResourceCatalog
  readonly broker: Pick<Broker, 'tryReads'>
}

/** What is configured, an administrator may know. */
const noSuch = (word: string): ProblemError =>
  new ProblemError('invalid_request', { detail: `there is no such ${word}` })

export const createTrySources = ({ resources, broker }: TrySourcesOptions): TrySources => ({
  trySources: async (caller, kind, name, begin) => {
    const { word } = RESOURCE_KINDS[kind]
    const resource = resources.get(kind, name)
    if (resource === undefined) throw noSuch(word)
    const sources = sourcesIn(kind, resource)
    const wanted = sources.flatMap(({ reference }) =>
      reference === undefined ? [] : [{ text: reference }]
    )
    await begin(wanted.length)
    const faults = (await broker.tryReads(caller, wanted, { by: `${word} ${name}` })).values()
    return sources.map((source) => {
      const fault = source.reference === undefined ? undefined : faults.next().value
      return { ...source, resolves: fault === undefined, ...(fault && { code: fault.code }) }
    })
  }
})
