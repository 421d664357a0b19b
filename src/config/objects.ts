/**
 * `bots:`, `providers:` and `channels:` of `purser.yaml`. Rule: names are told apart, whatever refers to something finds it
 * in the file, and all faults are reported at once.
 */

import type { ReferenceBook } from '../core/reference.ts'
import type { Path, Report } from '../core/shape.ts'
import {
  type Around,
  noObjects,
  OBJECT_KINDS,
  type ObjectKind,
  type ObjectTypes,
  objectKinds,
  type Surroundings
} from '../integrations/object-kinds.ts'
import type { ObjectsByKind } from '../integrations/objects.ts'

export interface ObjectsContext extends Pick<Surroundings, 'guarded'> {
  readonly book: ReferenceBook
  /** The reference leads nowhere only because of a fault that is told already. */
  readonly isExcused?: (text: string | undefined) => boolean
}

/** The text at a path of an entry as it was written. */
const textAt = (entry: unknown, path: Path): string | undefined => {
  let value = entry
  for (const part of path) value = (value as Record<string | number, unknown> | undefined)?.[part]
  return typeof value === 'string' ? value : undefined
}

export const readObjects = (
  written: { readonly [K in ObjectKind]?: readonly unknown[] },
  { book, guarded, isExcused = () => false }: ObjectsContext,
  report: Report
): ObjectsByKind => {
  const found = noObjects()
  const around: Around = {
    book,
    has: (kind, name) => found[kind].has(name),
    all: (kind) => [...found[kind].values()]
  }
  const readAll = <K extends ObjectKind>(kind: K): void => {
    const { parse, check } = OBJECT_KINDS[kind]
    const into: Map<string, ObjectTypes[K]> = found[kind]
    written[kind]?.forEach((entry, index) => {
      const { object, faults } = parse(entry, { guarded, atRunTime: false })
      const stray = object === undefined ? [] : check(object, around)
      const all = [
        ...faults,
        ...stray.filter(
          ({ rule, path }) => rule !== 'unknown_store' || !isExcused(textAt(entry, path))
        )
      ]
      for (const { path, message } of all) report([kind, index, ...path], message)
      if (object === undefined) return
      if (into.has(object.name)) report([kind, index, 'name'], 'stands twice')
      into.set(object.name, object)
    })
  }
  for (const kind of objectKinds) readAll(kind)
  return found
}
