/**
 * References: what callers and configurations write for "that secret, of that store". Rule: a reference is matched to a
 * configured store and never chooses a host; all its spellings give one canonical path, which is what policy sees, or
 * are refused; and nothing that was written comes back in a refusal.
 */
import {
  canonicalPath,
  canonicalVersion,
  isSecretName,
  malformed,
  SEGMENT_RULE,
  segments
} from './reference-grammar.ts'
import type { Grammar, ReferenceKind } from './reference-kinds.ts'
import { encodeText, FIELD_RULE, isPrintable, parseField } from './reference-text.ts'
import {
  type NamedStores,
  type ParsedForm,
  parameters,
  pathOf,
  type WrittenReference
} from './reference-written.ts'
import type { Locator } from './secret.ts'
import type { NamedStore } from './store-address.ts'

export { isSecretName } from './reference-grammar.ts'

export interface Reference {
  /** The name of a configured store. */
  readonly store: string
  /** The secret's one name in its store, as the store has it: nothing of it is escaped. */
  readonly path: string
  /** Absent for the newest. */
  readonly version?: string
  /** What is wanted of the secret's object, by the one name that `parseField` gives; absent for the whole secret. */
  readonly field?: string
  /** The ARN as it was written. Two accounts may have secrets of the same name, which only the ARN tells apart. */
  readonly nativeId?: string
}

/** What references can lead to: the configured stores, in order, and the names of `secrets:`. */
export interface ReferenceBook {
  readonly grammar: Grammar
  readonly stores: readonly NamedStore[]
  readonly names: ReadonlyMap<string, string>
}

/** `names` maps a key of `secrets:` to a reference of any form but a name. */
export const createReferenceBookWith = (
  grammar: Grammar,
  stores: readonly NamedStore[],
  names: ReadonlyMap<string, string>
): ReferenceBook => ({ grammar, stores, names })

/** Version and field that were given beside the reference, as in the query of a request. */
export interface Qualifiers {
  readonly version?: string | undefined
  readonly field?: string | undefined
}

const NO_NAMES: ReadonlyMap<string, string> = new Map()

const LENGTH_MAX = 2_048

/** One line, without what other readers would take for a slash (\). */
const isPlainLine = (text: string): boolean =>
  text !== '' && text.length <= LENGTH_MAX && isPrintable(text) && !text.includes('\\')

const cut = (text: string, mark: string): [string, string | undefined] => {
  const at = text.indexOf(mark)
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

const agreed = (
  form: string,
  what: 'field' | 'version',
  inside: string | undefined,
  outside: string | undefined
): string | undefined => {
  if (inside !== undefined && outside !== undefined && inside !== outside) {
    throw malformed(form, `its ${what} is fixed already, and another one was given`)
  }
  return inside ?? outside
}

const fieldOf = (form: string, text: string | undefined): string | undefined => {
  if (text === undefined) return undefined
  const field = parseField(text)
  if (field === undefined) throw malformed(form, FIELD_RULE)
  return field
}

const kindIn = ({ kinds }: Grammar, kind: string): ReferenceKind => {
  const known = kinds.get(kind)
  if (known === undefined) throw new Error('a store of a kind that the grammar does not know')
  return known
}

const CANONICAL = 'a store and a path'

/** `<store>:<path>[?version=<v>][#<field>]` */
const canonical = (
  { head, query, field }: WrittenReference,
  { grammar, stores }: { readonly grammar: Grammar; readonly stores: NamedStores }
): ParsedForm => {
  const colon = head.indexOf(':')
  const name = head.slice(0, Math.max(colon, 0))
  if (!grammar.isStoreName(name)) {
    throw malformed(CANONICAL, 'it begins with the name of a store and a colon')
  }
  const version = parameters(CANONICAL, query, ['version']).get('version')
  const store = stores.find((candidate) => candidate.name === name)
  return {
    form: CANONICAL,
    kind: store?.address.kind,
    store,
    path: pathOf(CANONICAL, head.slice(colon + 1)),
    version,
    field
  }
}

/** Checks what a form found against the alphabets of its kind, joins it with what was given beside it, and names it. */
const settle = (
  target: ParsedForm,
  { grammar }: ReferenceBook,
  qualifiers: Qualifiers
): Reference | undefined => {
  const { form, store, nativeId } = target
  const kind = target.kind === undefined ? undefined : kindIn(grammar, target.kind)
  const path = canonicalPath(form, kind?.paths, target.path)
  const versionOf = (text: string | undefined): string | undefined =>
    text === undefined ? undefined : canonicalVersion(form, kind, text)
  const version = agreed(form, 'version', versionOf(target.version), versionOf(qualifiers.version))
  const field = agreed(form, 'field', fieldOf(form, target.field), fieldOf(form, qualifiers.field))
  if (store === undefined || kind?.reaches?.(store.address, path) === false) return undefined
  const unversioned = version ? kind?.unversioned?.(store.address, path) : undefined
  if (unversioned !== undefined) throw malformed(form, unversioned)
  const reference = {
    store: store.name,
    path,
    ...(version && { version }),
    ...(field !== undefined && { field }),
    ...(nativeId !== undefined && { nativeId })
  }
  if (format(reference).length > LENGTH_MAX) {
    throw malformed(form, 'its canonical spelling has at most 2,048 characters')
  }
  return reference
}

/** What the name stands for, with the version and field that were asked for. Those that the name fixes stay fixed. */
const parseName = (
  written: WrittenReference,
  book: ReferenceBook,
  qualifiers: Qualifiers
): Reference | undefined => {
  const form = 'a name'
  const given = parameters(form, written.query, ['version']).get('version')
  const version = agreed(form, 'version', given, qualifiers.version)
  const field = agreed(form, 'field', fieldOf(form, written.field), fieldOf(form, qualifiers.field))
  if (version !== undefined) canonicalVersion(form, undefined, version)
  const text = book.names.get(written.head)
  if (text === undefined) return undefined
  return parseReference(text, createReferenceBookWith(book.grammar, book.stores, NO_NAMES), {
    version,
    field: field && encodeText(field)
  })
}

/**
 * Undefined for a reference that is well formed but leads to no configured store, or an unknown name: `access_denied`.
 * Throws `ProblemError` `invalid_reference` for what cannot be read, saying as what it was read and what is wrong.
 */
export const parseReference = (
  text: string,
  book: ReferenceBook,
  qualifiers: Qualifiers = {}
): Reference | undefined => {
  if (!isPlainLine(text)) {
    throw malformed(
      'a line of text',
      'it has 1 to 2,048 printable characters, and no backslash, which is written %5C'
    )
  }
  const [before, field] = cut(text, '#')
  const [head, query] = cut(before, '?')
  if (isSecretName(head)) return parseName({ head, query, field }, book, qualifiers)
  const written = { head, query, field }
  const target = book.grammar.formOf(head)?.read(written, book.stores) ?? canonical(written, book)
  return settle(target, book, qualifiers)
}

/** What stands below a path of one store. */
export interface Prefix {
  readonly store: string
  /** As the store has it; ends in a slash, or is empty for the whole store. */
  readonly path: string
}

const PREFIX = 'a prefix'
const SEGMENTS = segments(1, SEGMENT_RULE)

/** `<store>:[<path>/]`. Undefined if no such store is configured; throws `invalid_reference`. */
export const parsePrefix = (text: string, book: ReferenceBook): Prefix | undefined => {
  const [store, path] = cut(text, ':')
  if (
    !isPlainLine(text) ||
    !book.grammar.isStoreName(store) ||
    path === undefined ||
    /[?#]/.test(path)
  ) {
    throw malformed(PREFIX, 'it is the name of a store, a colon and a path that ends in a slash')
  }
  if (path !== '') {
    if (!path.endsWith('/')) throw malformed(PREFIX, 'its path ends in a slash')
    const found = book.stores.find(({ name }) => name === store)
    const kind = found && kindIn(book.grammar, found.address.kind)
    const folders = kind && (kind.folders ?? SEGMENTS)
    canonicalPath(PREFIX, folders, pathOf(PREFIX, path.slice(0, -1)))
  }
  const isConfigured = book.stores.some(({ name }) => name === store)
  return isConfigured ? { store, path: pathOf(PREFIX, path) } : undefined
}

const format = ({ store, path, version, field }: Reference): string =>
  `${store}:${encodeText(path)}${version === undefined ? '' : `?version=${version}`}${field === undefined ? '' : `#${encodeText(field)}`}`

/** A cached answer and its record both have it: it is made once for as long as the reference is remembered. */
const formatted = new WeakMap<Reference, string>()

/** The canonical text, which reads as the same reference again, but for `nativeId`. */
export const formatReference = (reference: Reference): string => {
  let text = formatted.get(reference)
  if (text === undefined) {
    text = format(reference)
    formatted.set(reference, text)
  }
  return text
}

/** What a provider reads by; the field is taken from the secret afterwards. */
export const locatorOf = ({ path, version, nativeId }: Reference): Locator => ({
  path,
  ...(version !== undefined && { version }),
  ...(nativeId !== undefined && { nativeId })
})
