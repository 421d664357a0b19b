/**
 * References and policies in the grammar of the catalog's kinds. Rule: all references and policies are read by this
 * grammar.
 */
import { compilePolicyWith, type Policy, type PolicyRule } from '../core/policy.ts'
import { createReferenceBookWith, type ReferenceBook } from '../core/reference.ts'
import { createGrammar } from '../core/reference-kinds.ts'
import type { NamedStore } from '../core/store-address.ts'
import { catalog } from './catalog.ts'

const grammar = createGrammar(catalog)

export const { isStoreName, reservedNames: RESERVED_STORE_NAMES } = grammar

/** `names` maps a key of `secrets:` to a reference of any form but a name. */
export const createReferenceBook = (
  stores: readonly NamedStore[],
  names: ReadonlyMap<string, string>
): ReferenceBook => createReferenceBookWith(grammar, stores, names)

/** `now` in milliseconds since the epoch. Throws `Error` with a sentence for the first pattern that is wrong. */
export const compilePolicy = (rules: readonly PolicyRule[], now: () => number = Date.now): Policy =>
  compilePolicyWith(rules, isStoreName, now)
