/**
 * From a word in a notification to a secret of the store. Rule: what it names is read as any reference is, against that
 * one store, and what leads elsewhere is counted and left alone.
 */
import { parseReference } from '../core/reference.ts'
import { createReferenceBook } from '../kinds/references.ts'
import type { NameIn } from '../kinds/shared/notification.ts'

export const nameIn: NameIn = (store, text) => {
  try {
    const reference = parseReference(text, createReferenceBook([store], new Map()))
    if (reference === undefined) return 'foreign'
    const { path, nativeId } = reference
    return { path, ...(nativeId !== undefined && { nativeId }) }
  } catch {
    return 'malformed'
  }
}
