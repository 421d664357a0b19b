/**
 * What the written forms of a reference share: the text cut into its parts, what a form makes of it, and the few ways
 * of reading a part strictly. Rule: what only resembles the right spelling is refused, never put right.
 */
import { malformed } from './reference-grammar.ts'
import { decodePath, decodeUrlPath, ESCAPE_RULE } from './reference-text.ts'
import type { NamedStore, StoreAddress } from './store-address.ts'

/** A reference's text, cut at the first `#` and, before that, at the first `?`. */
export interface WrittenReference {
  readonly head: string
  readonly query?: string | undefined
  readonly field?: string | undefined
}

/** What a form says. Only the form itself is checked so far: the alphabets of its kind are not. */
export interface ParsedForm {
  /** As what the text was read, with its article: for the sentence in a refusal. */
  readonly form: string
  /** Undefined if that depends on a store that is not configured. */
  readonly kind: string | undefined
  /** Undefined if no configured store is meant. */
  readonly store: NamedStore | undefined
  /** As the store has it: a form that knows escapes has decoded it, once. */
  readonly path: string
  readonly version?: string | undefined
  /** As it is written. */
  readonly field?: string | undefined
  readonly nativeId?: string
}

const decodedBy =
  (decode: (text: string) => string | undefined) =>
  (form: string, written: string): string => {
    const path = decode(written)
    if (path === undefined) throw malformed(form, `its path is printable; ${ESCAPE_RULE}`)
    return path
  }

/** A written path, decoded. */
export const pathOf = decodedBy(decodePath)

/** The path of a URL, or of vals, which reads its references as URLs. */
export const urlPathOf = decodedBy(decodeUrlPath)

export type NamedStores = readonly NamedStore[]

export interface Form {
  /**
   * The texts with which the form begins. A word before the first sign of such a text is reserved: no store may have it
   * as its name.
   */
  readonly begins: readonly string[]
  /**
   * Where several forms begin alike: whether the text is of this one. Of such forms, the one without `fits` takes all
   * other texts.
   */
  readonly fits?: (head: string) => boolean
  readonly read: (written: WrittenReference, stores: NamedStores) => ParsedForm
}

/** The first configured store of the kind that fits. */
export const seek = <A extends StoreAddress>(
  stores: NamedStores,
  kind: A['kind'],
  fits: (address: A) => boolean
): NamedStore | undefined =>
  stores.find(({ address }) => address.kind === kind && fits(address as A))

/** `name=value` pairs: each name one of those allowed, given once, and with a value. */
export const parameters = (
  form: string,
  text: string | undefined,
  allowed: readonly string[],
  separator = '&'
): ReadonlyMap<string, string> => {
  const found = new Map<string, string>()
  if (text === undefined) return found
  if (allowed.length === 0) throw malformed(form, 'it takes no parameters')
  for (const pair of text.split(separator)) {
    const equals = pair.indexOf('=')
    const [name, value] = [pair.slice(0, equals), pair.slice(equals + 1)]
    if (equals < 0 || value === '' || !allowed.includes(name) || found.has(name)) {
      throw malformed(form, `it takes ${allowed.join(', ')}, each at most once and with a value`)
    }
    found.set(name, value)
  }
  return found
}

const URL_TEXT = /^(https?:\/\/)([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[1-9][0-9]{0,4})?(\/.*)?$/

export interface WrittenUrl {
  /** Its scheme, host and port, without a path. */
  readonly url: URL
  /** As it is written, from its first slash: nothing in it is decoded or folded. */
  readonly path: string
}

/**
 * A URL whose host means the same to every reader: without a user, and without a host that the URL standard would spell
 * otherwise (an address in hexadecimal, a dot at its end).
 */
export const readUrl = (form: string, text: string): WrittenUrl => {
  const [, scheme = '', host = '', port = '', path = '/'] = URL_TEXT.exec(text) ?? []
  const origin = scheme + host + port
  const url = URL.canParse(origin) ? new URL(origin) : undefined
  if (url?.hostname !== host.toLowerCase() || host.endsWith('.')) {
    throw malformed(form, 'its URL is http or https, a plain host, perhaps a port, and a path')
  }
  return { url, path }
}

/** As what a URL was read whose path tells nothing yet. */
export const ANY_URL = 'a URL'
