/**
 * References to items of 1Password: `op://`, `ref+onepasswordconnect://`, vaults and titles. Rule: a vault that the
 * store does not name is reached by no form, and by no other name than the store's.
 */
import { malformed, matching, SEGMENT_RULE, segments } from '../../core/reference-grammar.ts'
import { VALS, type ValsBackend } from '../../core/reference-vals.ts'
import { type Form, parameters, pathOf, seek, urlPathOf } from '../../core/reference-written.ts'
import type { NamedStore } from '../../core/store-address.ts'

const KIND = 'onepassword-connect'

export type OnePasswordAddress = {
  readonly kind: typeof KIND
  /** Scheme, host and port as `new URL(address).origin` gives them. */
  readonly origin: string
  /** Names or ids, as references write them; absent: whatever the token may see. */
  readonly vaults?: readonly string[]
}

// Names and titles are whatever people write; a slash after the first is a letter of the title.
export const paths = segments(
  2,
  `a 1Password path is a vault and an item, by name or id; ${SEGMENT_RULE}`
)

export const versions = matching(
  /^(?:0|[1-9][0-9]{0,9})$/,
  'the version of a 1Password item is a number'
)

export const reaches = ({ vaults }: OnePasswordAddress, path: string): boolean =>
  vaults?.includes(path.slice(0, path.indexOf('/'))) ?? true

const storeOf = (stores: readonly NamedStore[], path: string): NamedStore | undefined =>
  seek<OnePasswordAddress>(stores, KIND, (address) => reaches(address, path))

const REFERENCE = 'a 1Password secret reference'

/**
 * `op://<vault>/<item>/[<section>/]<field>`. As at 1Password, an item with a slash in its title goes by its id here.
 */
export const url: Form = {
  begins: ['op:'],
  read: ({ head, query, field: beside }, stores) => {
    parameters(REFERENCE, query, [])
    const [vault = '', item = '', ...inside] = head.slice('op://'.length).split('/')
    const isWhole = inside.length >= 1 && inside.length <= 2 && !inside.includes('')
    if (!head.startsWith('op://') || !isWhole || beside !== undefined) {
      throw malformed(
        REFERENCE,
        'it is op, two slashes, a vault, an item, perhaps a section, and a field, with slashes between them'
      )
    }
    const path = pathOf(REFERENCE, `${vault}/${item}`)
    const store = storeOf(stores, path)
    return { form: REFERENCE, kind: KIND, store, path, field: inside.join('.') }
  }
}

export const onepasswordconnect: ValsBackend = {
  parameters: [],
  read: (written, _given, field, stores) => {
    const [vault = '', item = '', ...rest] = written.split('/')
    if (rest.length > 0) throw malformed(VALS, 'it is a vault and an item')
    const path = urlPathOf(VALS, `${vault}/${item}`)
    return { form: VALS, kind: KIND, store: storeOf(stores, path), path, field }
  }
}
