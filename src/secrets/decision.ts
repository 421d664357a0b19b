/**
 * The decision: before the cache, before any question of existence. Rule: whoever is refused learns nothing of what is
 * configured or kept; why it was refused goes to the record alone.
 */
import { LRUCache } from 'lru-cache'
import type { Caller } from '../core/caller.ts'
import type { PolicyAction } from '../core/policy.ts'
import { denied, ProblemError } from '../core/problem.ts'
import {
  type Prefix,
  parsePrefix,
  parseReference,
  type Reference,
  type ReferenceBook
} from '../core/reference.ts'
import { decodePath } from '../core/reference-text.ts'
import { createReferenceBook } from '../kinds/references.ts'
import type { Grant, Rules, Wanted } from './caller.ts'
import type { Store } from './stores.ts'

const NOTHING = createReferenceBook([], new Map())

const isReadable = (wanted: Wanted): boolean => {
  try {
    parseReference(wanted.text, NOTHING, wanted)
    return true
  } catch {
    return false
  }
}

/** Whether the client may read the secret that the text names, leaving out the version or field that is wrong with it. */
const mayReadIt = ({ policy, book }: Rules, client: string, { text }: Wanted): boolean => {
  const [bare = ''] = text.split(/[?#]/, 1)
  const [store = ''] = bare.split(':', 1)
  const path = decodePath(bare.slice(store.length + 1)) ?? ''
  if (policy.isAllowed(client, 'read', { store, path })) return true
  try {
    const reference = parseReference(bare, book)
    return reference !== undefined && policy.isAllowed(client, 'read', reference)
  } catch {
    return false
  }
}

const READ_BEFORE = 1_000

/** By book, so that a reload forgets them all. */
const readBefore = new WeakMap<ReferenceBook, LRUCache<string, Reference>>()

/**
 * A reference that was read before is not read again, which would be 2 of the 40 µs of a cached answer. Each client has
 * its own: the time of an answer must not tell what others ask for.
 */
const readReference = (
  book: ReferenceBook,
  client: string,
  wanted: Wanted
): Reference | undefined => {
  const { text, version = '', field = '' } = wanted
  const key = `${client}\n${version}\n${field}\n${text}`
  let references = readBefore.get(book)
  if (references === undefined) {
    references = new LRUCache({ max: READ_BEFORE })
    readBefore.set(book, references)
  }
  const known = references.get(key)
  if (known !== undefined) return known
  const reference = parseReference(text, book, wanted)
  // None of the parts has a line feed then, so that the key of one can never be that of another.
  if (reference !== undefined) references.set(key, reference)
  return reference
}

/**
 * Undefined where the reference leads to no configured store. Throws `invalid_reference`; but what is wrong only because
 * of how a store or a name is configured is told to those alone who may read the secret.
 */
export const parseWanted = (
  rules: Rules,
  { client }: Caller,
  wanted: Wanted,
  grant?: Grant
): Reference | undefined => {
  try {
    return readReference(rules.book, client, wanted)
  } catch (error) {
    if (grant !== undefined || !isReadable(wanted) || mayReadIt(rules, client, wanted)) throw error
    throw denied('invalid_for_its_store')
  }
}

/** Whether a rule lets the client read anything of the store, so that the store and its kind are no news. */
export const mayKnowStore = ({ policy }: Rules, client: string, store: string): boolean =>
  policy.grantsOf(client).read.some((pattern) => pattern.startsWith(`${store}:`))

const isReadablePrefix = (text: string): boolean => {
  try {
    parsePrefix(text, NOTHING)
    return true
  } catch {
    return false
  }
}

/**
 * The same for a prefix: what is wrong only because of the kind of its store is told to those alone who may read something
 * of that store.
 */
export const parseWantedPrefix = (
  rules: Rules,
  { client }: Caller,
  text: string
): Prefix | undefined => {
  try {
    return parsePrefix(text, rules.book)
  } catch (error) {
    const [store = ''] = text.split(':', 1)
    if (!isReadablePrefix(text) || mayKnowStore(rules, client, store)) throw error
    throw denied('invalid_for_its_store')
  }
}

export interface Authorized {
  readonly reference: Reference
  readonly store: Store
}

/**
 * Throws `insufficient_mode` or `access_denied`. With a grant no rule is asked for: then a reference that leads nowhere is
 * the operator's, and says so.
 */
export const authorize = (
  { policy, stores }: Rules,
  caller: Caller,
  action: PolicyAction,
  reference: Reference | undefined,
  grant?: Grant
): Authorized => {
  if (!caller.mode.includes(action === 'read' ? 'r' : 'w')) {
    throw new ProblemError('insufficient_mode')
  }
  const nowhere = (): ProblemError =>
    grant === undefined
      ? denied('unknown_store')
      : new ProblemError('store_misconfigured', {}, 'unknown_store')
  if (reference === undefined) throw nowhere()
  const isGranted = grant !== undefined && action === 'read'
  if (!isGranted && !policy.isAllowed(caller.client, action, reference)) throw denied('no_rule')
  const store = stores.get(reference.store)
  if (store === undefined) throw nowhere()
  return { reference, store }
}
