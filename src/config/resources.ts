/**
 * `bots:`, `providers:` and `channels:` of `purser.yaml`. Rule: names are told apart, whatever refers to something
 * finds it in the file, and all faults are reported at once.
 */

import type { ParseContext } from '../core/channel.ts'
import type { ReferenceBook } from '../core/reference.ts'
import type { Path, Report } from '../core/shape.ts'
import {
  noResources,
  RESOURCE_KINDS,
  type ResourceKind,
  type ResourceLookup,
  type ResourceTypes,
  resourceKinds
} from '../integrations/resource-kinds.ts'
import type { ResourcesByKind } from '../integrations/resources.ts'

export interface ResourcesContext extends Pick<ParseContext, 'guarded'> {
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

export const readResources = (
  written: { readonly [K in ResourceKind]?: readonly unknown[] },
  { book, guarded, isExcused = () => false }: ResourcesContext,
  report: Report
): ResourcesByKind => {
  const found = noResources()
  const lookup: ResourceLookup = {
    book,
    has: (kind, name) => found[kind].has(name),
    all: (kind) => [...found[kind].values()]
  }
  const readAll = <K extends ResourceKind>(kind: K): void => {
    const { parse, check } = RESOURCE_KINDS[kind]
    const into: Map<string, ResourceTypes[K]> = found[kind]
    written[kind]?.forEach((entry, index) => {
      const { resource, faults } = parse(entry, { guarded, atRunTime: false })
      const stray = resource === undefined ? [] : check(resource, lookup)
      const all = [
        ...faults,
        ...stray.filter(
          ({ rule, path }) => rule !== 'unknown_store' || !isExcused(textAt(entry, path))
        )
      ]
      for (const { path, message } of all) report([kind, index, ...path], message)
      if (resource === undefined) return
      if (into.has(resource.name)) report([kind, index, 'name'], 'stands twice')
      into.set(resource.name, resource)
    })
  }
  for (const kind of resourceKinds) readAll(kind)
  return found
}
