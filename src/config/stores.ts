/**
 * `stores:` of `purser.yaml`, and with them those from elsewhere. Rule: names are told apart, a store that is at fault
 * is known by its name all the same, and of what stands outside the file (variables, files) the place is kept.
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Static } from 'typebox'
import { isObject } from '../core/json.ts'
import type { Path } from '../core/shape.ts'
import type { TakenListener } from './doors.ts'
import type { ImportedStore } from './hashicorp.ts'
import type { SoundEntries } from './rules.ts'
import { readStore, type StoreConfig, type StoreContext, type StoreEntry } from './store.ts'
import type { YamlDocument } from './yaml-document.ts'

/** Where a setting of a store says that something is found: the store's name, and the place in the file. */
export interface Placed {
  readonly store: string
  readonly place: string
  /** The members from the file's start, as a fault names them. */
  readonly subject: string
  readonly where: { readonly env?: string; readonly file?: string }
}

/** What is configured besides the file, and what the file may refer to. */
export interface FileContext extends Partial<StoreContext> {
  /** Stores from elsewhere, which the file may refer to as to its own. */
  readonly imported?: readonly ImportedStore[]
  /** ADMIN_SCOPE, unless it is at fault. */
  readonly adminScope?: string | undefined
  /** What settings have listen, where no door can. */
  readonly listeners?: readonly TakenListener[]
  /** Whether trusts may have `http:` addresses of this machine. */
  readonly allowsClear?: boolean
  /** Some of the imported stores are at fault, and missing here. */
  readonly isIncomplete?: boolean
}

const NAMED_ALIKE = 'has the name of another store: its member store can give it one of its own'

/** Every `{ env }`, `{ file }` and file name among the settings of a store. */
const placesIn = (value: unknown, path: Path): { path: Path; where: Placed['where'] }[] => {
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([member, inner]) => {
    if (member === 'env' && typeof inner === 'string') return [{ path, where: { env: inner } }]
    const isFile = member === 'file' || member.endsWith('File')
    if (!isFile || typeof inner !== 'string') return placesIn(inner, [...path, member])
    return [{ path: member === 'file' ? path : [...path, member], where: { file: inner } }]
  })
}

/** Credentials that a login would not find, as sentences. */
export const absentCredentials = (
  placed: readonly Placed[],
  credential: (name: string) => string | undefined,
  folder: string
): string[] =>
  placed.flatMap(({ store, place, subject, where: { env, file } }) => {
    const told = `${place}: ${subject} names a`
    if (env !== undefined && (credential(env) ?? '') === '') {
      return [`${told} variable that is not set: the store ${store} cannot log in`]
    }
    return file === undefined || existsSync(resolve(folder, file))
      ? []
      : [`${told} file that is not there: the store ${store} cannot use it`]
  })

export const readStores = (
  written: unknown,
  sound: SoundEntries<Static<typeof StoreEntry>>,
  { guarded = false, vaultNamespace, imported = [], isIncomplete = false }: FileContext,
  { faults, report, placeOf }: YamlDocument
) => {
  const stores: StoreConfig[] = []
  const kinds = new Map<string, string | undefined>()
  const faulty = new Set<string>()
  const placed: Placed[] = []
  const indexes = new Map<string, number>()
  const shaped = new Map(sound)
  const entries: readonly unknown[] = Array.isArray(written) ? written : [undefined]
  let isUnnamed = isIncomplete
  entries.forEach((entry, index) => {
    const at = ['stores', index]
    const given = shaped.get(index)
    const { name, kind } = isObject(entry) ? entry : {}
    const store = given && readStore(given, { guarded, vaultNamespace }, at, report)
    const called = typeof name === 'string' ? name : ''
    for (const { path, where } of placesIn(entry, at)) {
      placed.push({ store: called, place: placeOf(path), subject: path.join('.'), where })
    }
    if (called === '') {
      isUnnamed = true
      return
    }
    if (kinds.has(called)) report([...at, 'name'], 'stands twice')
    kinds.set(called, typeof kind === 'string' ? kind : undefined)
    if (store === undefined) {
      faulty.add(called)
      return
    }
    stores.push(store)
    indexes.set(called, index)
  })
  for (const { name, plugin, settings, place } of imported) {
    if (kinds.has(name)) faults.push({ place, message: NAMED_ALIKE })
    kinds.set(name, plugin.kind)
    for (const { path, where } of placesIn(settings, [])) {
      placed.push({ store: name, place, subject: path.join('.'), where })
    }
  }
  return { stores, placed, indexes, known: { kinds, faulty, isUnnamed } }
}
