/**
 * The bots, providers and channels of run time, kept in memory as of the last change by any replica. Rule: one that
 * cannot be used is logged and left out, and costs no other its use.
 */
import type { ParseContext } from '../core/channel.ts'
import type { StateLog } from '../state/log.ts'
import { TOPICS } from '../state/namespaces.ts'
import type { Shared } from '../state/shared.ts'
import { allResources, type ResourceEntry, type ResourceStorage } from './resource-entries.ts'
import {
  noResources,
  RESOURCE_KINDS,
  type ResourceKind,
  type ResourceMaps,
  type ResourceTypes
} from './resource-kinds.ts'

const { topic: TOPIC } = TOPICS.objects

export interface RunTimeOptions extends ResourceStorage, Pick<ParseContext, 'guarded'> {
  readonly isOfFile: (kind: ResourceKind, name: string) => boolean
  /** Undefined where there are no other replicas. */
  readonly shared?: Pick<Shared, 'publish' | 'onMessage' | 'onReconnect'> | undefined
  readonly log: StateLog
}

export interface RunTimeResources {
  readonly of: <K extends ResourceKind>(kind: K) => ReadonlyMap<string, ResourceTypes[K]>
  /** Reads all of them anew. */
  readonly refresh: () => Promise<void>
  /** To be called after a change by this replica: reads them anew, and has the other replicas do so. */
  readonly changed: () => Promise<void>
}

export const createRunTimeResources = (options: RunTimeOptions): RunTimeResources => {
  const { isOfFile, guarded, shared, log } = options
  let current = noResources()
  const bytesOf = new WeakMap<object, Buffer>()
  const of = <K extends ResourceKind>(kind: K): ReadonlyMap<string, ResourceTypes[K]> =>
    current[kind]

  const take = <K extends ResourceKind>(
    into: ResourceMaps,
    kind: K,
    entry: ResourceEntry
  ): void => {
    const { name, value, bytes } = entry
    const { resource, faults } = RESOURCE_KINDS[kind].parse(value, { guarded, atRunTime: true })
    if (resource === undefined || value === undefined || faults.length > 0) {
      log('error', 'an object of run time cannot be used', { kind, object: name })
      return
    }
    if (isOfFile(kind, name)) {
      log('warn', 'an object of run time is hidden by one of purser.yaml', { kind, object: name })
    }
    // An unchanged resource stays the same JavaScript object, since other parts keep what they know of it in WeakMaps.
    const former = of(kind).get(name)
    const isUnchanged = former !== undefined && bytesOf.get(former)?.equals(bytes)
    into[kind].set(name, isUnchanged ? former : resource)
    if (!isUnchanged) bytesOf.set(resource, bytes)
  }
  const load = async (): Promise<void> => {
    const loaded = noResources()
    for await (const entry of allResources(options)) take(loaded, entry.kind, entry)
    current = loaded
  }
  // One load after the other. Whoever asks while a load waits to begin shares that load, which will see every change so
  // far.
  let last: Promise<void> = Promise.resolve()
  let waiting: Promise<void> | undefined
  const refresh = (): Promise<void> => {
    waiting ??= last.then(() => {
      waiting = undefined
      return load()
    })
    last = waiting.catch(() => {})
    return waiting
  }
  const refreshLater = (): void => {
    refresh().catch(() => log('error', 'the objects of run time could not be read'))
  }
  shared?.onMessage(TOPIC, refreshLater)
  shared?.onReconnect(refreshLater)

  return {
    of,
    refresh,
    changed: async () => {
      await refresh()
      await shared?.publish(TOPIC, '').catch(() => {
        log('warn', 'other replicas learn of a changed object when they are connected again')
      })
    }
  }
}
