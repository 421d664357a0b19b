/**
 * Resources that were configured at run time, as they are kept: one state entry each, the whole of it sealed under the
 * active encryption key, since it may hold credentials in plain. Rule: an entry is bound to its kind and name.
 */
import type { Sealer } from '../crypto/sealer.ts'
import { STATE_SPACES } from '../state/namespaces.ts'
import type { RewrapCounts, State } from '../state/state.ts'
import { type ResourceKind, resourceKinds } from './resource-kinds.ts'

export interface ResourceStorage {
  readonly state: State
  readonly sealer: () => Sealer
}

export interface ResourceEntry {
  readonly kind: ResourceKind
  readonly name: string
  /** As it was written, with its name; undefined if it cannot be opened. */
  readonly value: unknown
  /** As it is kept. */
  readonly bytes: Buffer
}

/** Losing a race needs another writer to win it: so many losses in a row are not a race. */
const MAX_ATTEMPTS = 100

const prefixOf = (kind: ResourceKind): string => `${STATE_SPACES.runtime.prefix}${kind}/`
const contextOf = (kind: ResourceKind, name: string): readonly string[] => ['runtime', kind, name]

const open = (sealer: Sealer, kind: ResourceKind, name: string, envelope: Buffer): unknown => {
  const bytes = sealer.open('store', envelope, contextOf(kind, name))
  if (bytes === undefined) return undefined
  try {
    return JSON.parse(bytes.toString())
  } finally {
    bytes.fill(0)
  }
}

const seal = (sealer: Sealer, kind: ResourceKind, name: string, value: unknown): Buffer =>
  sealer.seal('store', Buffer.from(JSON.stringify(value)), contextOf(kind, name))

const change = async (
  { state }: ResourceStorage,
  key: string,
  next: (entry: Buffer | undefined) => Buffer | undefined | 'as it is'
): Promise<'changed' | 'as it is'> => {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const entry = await state.get(key)
    const changed = next(entry)
    if (changed === 'as it is') return changed
    if (await state.compareAndSet(key, entry, changed)) return 'changed'
  }
  throw new Error('an object is being changed by too many at once')
}

/** Puts the resource, whatever stood there. */
export const putResource = async (
  entries: ResourceStorage,
  kind: ResourceKind,
  name: string,
  value: unknown
): Promise<void> => {
  await change(entries, prefixOf(kind) + name, () => seal(entries.sealer(), kind, name, value))
}

/** Resolves with whether there was one. */
export const deleteResource = async (
  entries: ResourceStorage,
  kind: ResourceKind,
  name: string
): Promise<boolean> => {
  const removed = (entry: Buffer | undefined) => (entry === undefined ? 'as it is' : undefined)
  return (await change(entries, prefixOf(kind) + name, removed)) === 'changed'
}

export async function* allResources({
  state,
  sealer
}: ResourceStorage): AsyncGenerator<ResourceEntry> {
  for (const kind of resourceKinds) {
    for await (const { key, value: bytes } of state.list(prefixOf(kind))) {
      const name = key.slice(prefixOf(kind).length)
      yield { kind, name, value: open(sealer(), kind, name, bytes), bytes }
    }
  }
}

/** Seals everything under the active encryption key; what stands under it already is left alone. */
export const rewrapResources = async (entries: ResourceStorage): Promise<RewrapCounts> => {
  const counts = { total: 0, rewrapped: 0, unreadable: 0 }
  for await (const { kind, name } of allResources(entries)) {
    counts.total++
    let isUnreadable = false
    const outcome = await change(entries, prefixOf(kind) + name, (entry) => {
      const sealer = entries.sealer()
      isUnreadable = false
      if (entry === undefined || sealer.isUnderActiveKey(entry)) return 'as it is'
      const value = open(sealer, kind, name, entry)
      isUnreadable = value === undefined
      return isUnreadable ? 'as it is' : seal(sealer, kind, name, value)
    })
    if (isUnreadable) counts.unreadable++
    else if (outcome === 'changed') counts.rewrapped++
  }
  return counts
}
