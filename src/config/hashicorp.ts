/**
 * Reads HASHICORP_VAULT_CONFIG, Apono's JSON list of Vaults. Rule: each entry becomes a store of kind `vault` as if it
 * stood in `purser.yaml`; a token goes into no store's settings but stands beside the environment, under the name of
 * its place; a fault has its place and never a value.
 */
import { resolve } from 'node:path'
import { textOfFile, withoutMark } from '../core/file-text.ts'
import { asJson, isObject } from '../core/json.ts'
import { parseReference } from '../core/reference.ts'
import { Sensitive } from '../core/secret.ts'
import { checkShape, type Path, type Report } from '../core/shape.ts'
import { readFileBytesSync } from '../files/read.ts'
import { createReferenceBook } from '../kinds/references.ts'
import { refsIn } from './chain.ts'
import { ConfigError, type ConfigFault, whyUnread } from './fault.ts'
import {
  FromStore,
  Literal,
  MEMBER_NAMES,
  SPELLINGS,
  sourceOf,
  vaultSettingsOf
} from './hashicorp-form.ts'
import { placeOfFault, sayFault } from './json-fault.ts'
import type { Settings } from './settings.ts'
import { readStore, type StoreConfig, type StoreContext, storeContextOf } from './store.ts'

export interface ImportedStore extends StoreConfig {
  /** Of the entry: the setting's name and an index. */
  readonly place: string
}

export interface Import {
  readonly stores: readonly ImportedStore[]
  /** The tokens of the entries, by the names that `{ env: … }` has for them. */
  readonly credentials: ReadonlyMap<string, Sensitive<string>>
}

type Entry = Readonly<Record<string, unknown>>

/** Where a development server and most installations have their engine. */
const MOUNTS = [{ path: 'secret', version: 2 }]

/** Stands for the address until the definition is read; nobody can have it (RFC 2606). */
const UNKNOWN = 'https://unknown.invalid'

const spelt = (entry: Entry, report: (member: string, message: string) => void): Entry => {
  const spelling: Record<string, unknown> = { ...entry }
  for (const [written, member] of SPELLINGS) {
    if (!(written in entry)) continue
    if (member in entry) report(member, `is given twice, here and as ${written}`)
    spelling[member] = entry[written]
    delete spelling[written]
  }
  return spelling
}

/** A member of an entry as it is written there. */
const writtenIn = (entry: unknown, member: string | number): string | number => {
  if (!isObject(entry) || member in entry) return member
  return SPELLINGS.find(([written, ours]) => ours === member && written in entry)?.[0] ?? member
}

/** What is wrong with a reference into the one store, as the end of a sentence. */
const faultOfRef = (ref: string, source: StoreConfig): string | undefined => {
  try {
    const reference = parseReference(ref, createReferenceBook([source], new Map()))
    if (reference === undefined) return 'names a secret that cannot be in that store'
    const isWhole = reference.field === undefined && reference.version === undefined
    return isWhole ? undefined : 'names a secret by more than its path'
  } catch (error) {
    return `names no secret: ${(error as Error).message}`
  }
}

const parseList = (text: string, label: string): readonly unknown[] => {
  const list = asJson(text)
  if (list === undefined) {
    const place = `${label}:${placeOfFault(text)}`
    throw new ConfigError([{ place, message: sayFault(text) }])
  }
  if (Array.isArray(list)) return list
  throw new ConfigError([{ place: label, message: 'must be a list of Vaults' }])
}

/** `label` is what faults call the text. Throws ConfigError with every fault. */
const parseImport = (written: string, label: string, context: StoreContext): Import => {
  const text = withoutMark(written)
  const list = parseList(text, label)
  const faults: ConfigFault[] = []
  const credentials = new Map<string, Sensitive<string>>()
  const asWritten = ([index = '', member, ...rest]: Path): Path =>
    member === undefined ? [index] : [index, writtenIn(list[Number(index)], member), ...rest]
  const placeOf = (path: Path): string =>
    path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('')
  const report: Report = (path, message) => {
    faults.push({ place: label + placeOf(asWritten(path)), message })
  }
  const readAs = (kind: string, name: string, settings: Entry, index: number) =>
    readStore(
      { ...settings, name, kind },
      context,
      [index],
      ([at = index, member, ...rest], said) =>
        report(
          member === undefined ? [at] : [at, MEMBER_NAMES.get(member) ?? member, ...rest],
          said
        )
    )

  const readLiteral = (entry: Entry, name: string, index: number) => {
    if (!checkShape(Literal, entry, [index], report)) return []
    const { mounts = MOUNTS, ...given } = entry as Literal
    const env = `${label}[${index}].token`
    credentials.set(env, new Sensitive(given.token))
    const auth = { method: 'token', token: { env } }
    return [readAs('vault', name, { ...vaultSettingsOf(given), mounts, auth }, index)]
  }

  const readFromStore = (entry: Entry, name: string, index: number) => {
    if (!checkShape(FromStore, entry, [index], report)) return []
    const { mounts = MOUNTS } = entry
    const { kind, settings, refIn } = sourceOf(entry)
    if (refsIn(settings).length > 0) {
      report([index, 'auth'], 'cannot be in another store: it is needed before there are any')
    }
    const source = readAs(kind, `${name}-source`, settings, index)
    if (source === undefined) return []
    const ref = refIn(source.name)
    const fault = faultOfRef(ref, source)
    if (fault !== undefined) report([index], fault)
    const auth = { method: 'token', token: { ref: `${ref}#token` } }
    const vault = readAs('vault', name, { address: UNKNOWN, mounts, auth }, index)
    const definition = { place: `${label}[${index}]`, source, ref }
    return vault === undefined ? [] : [{ ...vault, definition }, source]
  }

  const stores = list.flatMap((given, index): ImportedStore[] => {
    if (!isObject(given)) {
      report([index], 'must be an object')
      return []
    }
    const entry = spelt(given, (member, message) => report([index, member], message))
    const { store = `vault-${index + 1}` } = entry
    const read = 'from_secret_store' in entry ? readFromStore : readLiteral
    const place = `${label}[${index}]`
    return read(entry, String(store), index).flatMap((one) => (one ? [{ ...one, place }] : []))
  })
  if (faults.length > 0) throw new ConfigError(faults)
  return { stores, credentials }
}

/** What the setting or the file says; nothing where neither is set. Throws ConfigError. */
export const readImport = (settings: Partial<Settings>, folder: string): Import => {
  const { HASHICORP_VAULT_CONFIG: direct, HASHICORP_VAULT_CONFIG_FILE_PATH: path } = settings
  const context = storeContextOf(settings)
  if (direct !== undefined) return parseImport(direct, 'HASHICORP_VAULT_CONFIG', context)
  if (path === undefined) return { stores: [], credentials: new Map() }
  const label = 'HASHICORP_VAULT_CONFIG_FILE_PATH'
  let text: string
  try {
    text = textOfFile(readFileBytesSync(resolve(folder, path)))
  } catch (error) {
    throw new ConfigError([{ place: label, message: `the file ${whyUnread(error)}` }])
  }
  return parseImport(text, label, context)
}
