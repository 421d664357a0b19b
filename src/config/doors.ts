/**
 * `doors:` of `purser.yaml`: which dialects are spoken where, and to which secrets a path leads in each. Rule: a door
 * stands alone on its listener, unless its paths are none of ours; and what it names is configured.
 */
import { parsePrefix, type ReferenceBook } from '../core/reference.ts'
import { checkShape, type Report } from '../core/shape.ts'
import {
  type Dialect,
  type DoorConfig,
  DoorEntry,
  type Mount,
  type MountEntry,
  type Target
} from './door-entries.ts'
import type { KnownStores, SoundEntries } from './rules.ts'
import { host as parseHost } from './setting-parsers.ts'
import type { Settings } from './settings.ts'

/** What listens already, by the setting of its port. */
export interface TakenListener {
  readonly setting: string
  readonly host: string
  readonly port: number
}

/** What settings have listen. */
export const listenersOf = (settings: Partial<Settings>): readonly TakenListener[] => {
  const { HOST, PORT, INTERNAL_HOST, INTERNAL_PORT } = settings
  const { CONSOLE_ENABLED, CONSOLE_HOST, CONSOLE_PORT } = settings
  const all = [
    ['PORT', HOST, PORT],
    ['INTERNAL_PORT', INTERNAL_HOST, INTERNAL_PORT],
    ['CONSOLE_PORT', CONSOLE_HOST, CONSOLE_ENABLED === true ? CONSOLE_PORT : undefined]
  ] as const
  return all.flatMap(([setting, host, port]) =>
    host === undefined || port === undefined ? [] : [{ setting, host, port }]
  )
}

const NAMES = 'secrets:'

/** How a mount and the like may be called: a segment of a path that reads the same however it is written. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
/** What Vault itself has there. */
const OF_VAULT: ReadonlySet<string> = new Set(['sys', 'auth', 'cubbyhole', 'identity'])

const EVERYWHERE: ReadonlySet<string> = new Set(['0.0.0.0', '::'])

const isSamePlace = (a: TakenListener, b: TakenListener): boolean =>
  a.port !== 0 &&
  a.port === b.port &&
  (a.host === b.host || EVERYWHERE.has(a.host) || EVERYWHERE.has(b.host))

export interface DoorsContext {
  readonly book: ReferenceBook
  readonly known: KnownStores
  readonly isExcused: (text: string) => boolean
  readonly listeners: readonly TakenListener[]
}

/** Reports why it leads nowhere. */
const targetOf = (
  text: string,
  { book, known: { kinds, isUnnamed }, isExcused }: DoorsContext,
  report: (message: string) => void
): Target | undefined => {
  if (text === NAMES) return { kind: 'names' }
  if (!text.includes(':')) {
    if (kinds.has(text)) return { kind: 'below', store: text, path: '' }
    if (!isUnnamed) report('names a store that is not configured')
    return undefined
  }
  try {
    const prefix = parsePrefix(text, book)
    if (prefix !== undefined) return { kind: 'below', ...prefix }
    if (!isExcused(text)) report('names a store that is not configured')
  } catch (error) {
    report((error as Error).message)
  }
  return undefined
}

type At = (string | number)[]

const mountsOf = (
  written: Readonly<Record<string, MountEntry>>,
  at: At,
  context: DoorsContext,
  report: Report,
  reserved: ReadonlySet<string> = new Set()
): ReadonlyMap<string, Mount> => {
  const mounts = new Map<string, Mount>()
  for (const [name, entry] of Object.entries(written)) {
    const { store, version = 2 } = typeof entry === 'string' ? { store: entry } : entry
    if (!NAME.test(name)) report([...at, name], 'must be letters, digits, dots, _ and -')
    else if (reserved.has(name)) report([...at, name], 'is a name that Vault keeps for itself')
    if (version !== 1 && version !== 2) report([...at, name, 'version'], 'must be 1 or 2')
    const target = targetOf(store, context, (message) => report([...at, name], message))
    if (target !== undefined) mounts.set(name, { target, version: version === 1 ? 1 : 2 })
  }
  if (Object.keys(written).length === 0) report(at, 'has none: name at least one')
  return mounts
}

const hostFault = (host: string): string | undefined => {
  try {
    parseHost(host)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** Reports the doors that would listen where something else does. */
const checkPlaces = (
  doors: readonly (readonly [number, DoorConfig])[],
  { listeners }: DoorsContext,
  report: Report
): void => {
  const fallback = listeners.find(({ setting }) => setting === 'PORT')?.host ?? '127.0.0.1'
  const taken = [...listeners]
  const onPublic = new Set<Dialect>()
  for (const [index, { dialect, place }] of doors) {
    if (place === undefined) {
      if (onPublic.has(dialect)) report(['doors', index], 'stands there twice')
      onPublic.add(dialect)
      continue
    }
    const own = { setting: 'another door', host: place.host ?? fallback, port: place.port }
    const other = taken.find((one) => isSamePlace(one, own))
    if (other !== undefined) report(['doors', index, 'port'], `is taken by ${other.setting}`)
    taken.push(own)
  }
}

/** Reports what is wrong with it; undefined if it leads nowhere. */
const readDoor = (
  entry: DoorEntry,
  at: At,
  context: DoorsContext,
  report: Report
): DoorConfig | undefined => {
  const { dialect, host, port } = entry
  const fault = host === undefined ? undefined : hostFault(host)
  if (fault !== undefined) report([...at, 'host'], fault)
  if (host !== undefined && port === undefined) report([...at, 'host'], 'needs a port')
  const place = port === undefined ? undefined : { host, port }
  if (dialect === 'vault') {
    const mounts = mountsOf(entry.mounts, [...at, 'mounts'], context, report, OF_VAULT)
    return { dialect, place: { host, port: entry.port }, mounts }
  }
  if (dialect === 'dapr') {
    if (entry.stores === undefined) return { dialect, place, stores: undefined }
    const mounts = mountsOf(entry.stores, [...at, 'stores'], context, report)
    const targets = [...mounts].map(([name, { target }]) => [name, target] as const)
    return { dialect, place, stores: new Map(targets) }
  }
  const target = targetOf(entry.store, context, (message) => report([...at, 'store'], message))
  if (target === undefined) return undefined
  return { dialect, place, target, region: entry.region }
}

export const readDoors = (
  entries: SoundEntries<unknown>,
  context: DoorsContext,
  report: Report
): readonly DoorConfig[] => {
  const doors = entries.flatMap(([index, entry]) => {
    const at = ['doors', index]
    if (!checkShape(DoorEntry, entry, at, report)) return []
    const door = readDoor(entry as DoorEntry, at, context, report)
    return door === undefined ? [] : [[index, door] as const]
  })
  checkPlaces(doors, context, report)
  return doors.map(([, door]) => door)
}
