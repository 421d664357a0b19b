/**
 * What references have to know of the kinds of stores, which are given from above: this floor knows none. Rule: of two
 * forms that begin alike one says which texts are its, so that a text has one meaning whatever the order of the kinds.
 */
import { type Alphabet, type Alphabets, STORE_NAME } from './reference-grammar.ts'
import { createVals, type ValsBackend } from './reference-vals.ts'
import type { Form } from './reference-written.ts'
import type { StoreAddress } from './store-address.ts'

export interface ReferenceKind<A extends StoreAddress = StoreAddress> extends Alphabets {
  readonly kind: A['kind']
  /** What a prefix may be, without its slash at the end; absent: segments. */
  readonly folders?: Alphabet
  /** How its vendor's users write references, besides the canonical form. */
  readonly forms: readonly Form[]
  /** By the name that helmfile's vals has for it. */
  readonly vals?: Readonly<Record<string, ValsBackend>>
  // Written as methods: a record of all kinds gives each the addresses of its own kind alone, which TypeScript refuses
  // for members that are functions.
  /** Whether a canonical path leads into what the store was configured for; absent: each does. */
  reaches?(address: A, path: string): boolean
  /**
   * Why the secret at a canonical path has no versions, as the end of a sentence; undefined: it has, like all where
   * this is absent.
   */
  unversioned?(address: A, path: string): string | undefined
}

export interface Grammar {
  readonly kinds: ReadonlyMap<string, ReferenceKind>
  readonly formOf: (head: string) => Form | undefined
  /** Names that no store may have, since the written forms begin with them. */
  readonly reservedNames: ReadonlySet<string>
  readonly isStoreName: (text: string) => boolean
}

export const createGrammar = (kinds: readonly ReferenceKind[]): Grammar => {
  const backends = kinds.flatMap(({ vals = {} }) => Object.entries(vals))
  const forms = [...kinds.flatMap((kind) => kind.forms), createVals(new Map(backends))]
  const begun = (head: string): Form[] =>
    forms.filter(({ begins }) => begins.some((start) => head.startsWith(start)))
  const starts = forms.flatMap(({ begins }) =>
    begins.flatMap((start) => start.match(/^[a-z][a-z0-9-]*/) ?? [])
  )
  const reservedNames: ReadonlySet<string> = new Set(starts)
  return {
    kinds: new Map(kinds.map((kind) => [kind.kind, kind])),
    formOf: (head) => {
      const alike = begun(head)
      return alike.find(({ fits }) => fits?.(head)) ?? alike.find(({ fits }) => fits === undefined)
    },
    reservedNames,
    isStoreName: (text) => STORE_NAME.test(text) && !reservedNames.has(text)
  }
}
