/**
 * The resources, that is bots, providers and channels: those of `purser.yaml`, and those of run time. Rule: what the
 * file names is the file's alone; a change is recorded before it is made; and no answer holds a credential.
 */
import { createRecorder, type RecorderOptions } from '../audit/recorder.ts'
import type { Caller } from '../core/caller.ts'
import { ProblemError } from '../core/problem.ts'
import type { ReferenceBook } from '../core/reference.ts'
import { refuseFaults } from '../core/resource-fault.ts'
import { deleteResource, putResource } from './resource-entries.ts'
import {
  RESOURCE_KINDS,
  type ResourceKind,
  type ResourceLookup,
  type ResourceTypes
} from './resource-kinds.ts'
import { createRunTimeResources, type RunTimeOptions } from './run-time-resources.ts'

type ByName<T> = ReadonlyMap<string, T>
/** By kind and name. */
export type ResourcesByKind = { readonly [K in ResourceKind]: ByName<ResourceTypes[K]> }

export interface ResourceCatalog {
  /** The same JavaScript object until the resource is changed where it is kept, or the file is read anew. */
  readonly get: <K extends ResourceKind>(kind: K, name: string) => ResourceTypes[K] | undefined
  /** The file's in its order, then those of run time. */
  readonly all: <K extends ResourceKind>(kind: K) => readonly ResourceTypes[K][]
}

export interface ResourcesOptions extends RecorderOptions, Omit<RunTimeOptions, 'isOfFile'> {
  /** Those of the file, and what references can lead to, as they are at the time of asking. */
  readonly configured: () => ResourcesByKind & { readonly book: ReferenceBook }
}

export interface Resources extends ResourceCatalog {
  readonly isOfFile: (kind: ResourceKind, name: string) => boolean
  /** Rejects with a ProblemError: all faults by pointer, or `conflict` for a name of the file. */
  readonly write: (
    caller: Caller,
    kind: ResourceKind,
    name: string,
    body: Readonly<Record<string, unknown>>
  ) => Promise<void>
  /** Resolves with whether it was there. Rejects with `conflict` if it is of the file, or another resource needs it. */
  readonly remove: (caller: Caller, kind: ResourceKind, name: string) => Promise<boolean>
  /** Reads those of run time anew. */
  readonly refresh: () => Promise<void>
}

const conflict = (detail: string): ProblemError => new ProblemError('conflict', { detail })

const checkBody = <K extends ResourceKind>(
  kind: K,
  name: string,
  body: { readonly name: unknown },
  guarded: boolean,
  others: ResourceLookup
): void => {
  const { parse, check } = RESOURCE_KINDS[kind]
  if (body.name !== name) {
    const errors = [{ pointer: '/body/name', rule: 'const' }]
    throw new ProblemError('invalid_request', { errors })
  }
  const { resource, faults } = parse(body, { guarded, atRunTime: true })
  refuseFaults([...faults, ...(resource === undefined ? [] : check(resource, others))])
}

export const createResources = (options: ResourcesOptions): Resources => {
  const { configured, guarded } = options
  const recorder = createRecorder(options)
  const ofFile = <K extends ResourceKind>(kind: K): ByName<ResourceTypes[K]> => {
    const inFile: ResourcesByKind = configured()
    return inFile[kind]
  }
  const isOfFile = (kind: ResourceKind, name: string): boolean => ofFile(kind).has(name)
  const runTime = createRunTimeResources({ ...options, isOfFile })

  const get: ResourceCatalog['get'] = (kind, name) =>
    ofFile(kind).get(name) ?? runTime.of(kind).get(name)
  const all: ResourceCatalog['all'] = (kind) => {
    const inFile = ofFile(kind)
    const others = [...runTime.of(kind).values()].filter(({ name }) => !inFile.has(name))
    return [...inFile.values(), ...others]
  }
  const lookup = (): ResourceLookup => ({
    book: configured().book,
    has: (kind, name) => get(kind, name) !== undefined,
    all
  })

  /** The intent is on record before anything changes, the result after it. */
  const change = async <T>(
    caller: Caller,
    action: 'object.write' | 'object.delete',
    kind: ResourceKind,
    name: string,
    check: () => void,
    work: () => Promise<T>
  ): Promise<T> => {
    const object = `${RESOURCE_KINDS[kind].word} ${name}`
    try {
      if (isOfFile(kind, name)) throw conflict('purser.yaml has this name')
      check()
      await recorder.allowed(caller, action, undefined, { object, reason: 'intent' })
      const result = await work()
      await runTime.changed()
      await recorder.allowed(caller, action, undefined, { object })
      return result
    } catch (error) {
      throw await recorder.failed(caller, action, undefined, error, { object })
    }
  }

  return {
    get,
    all,
    isOfFile,
    refresh: runTime.refresh,

    write: (caller, kind, name, body) => {
      const value = { ...body, name: body['name'] ?? name }
      const check = (): void => checkBody(kind, name, value, guarded, lookup())
      return change(caller, 'object.write', kind, name, check, () =>
        putResource(options, kind, name, value)
      )
    },

    remove: (caller, kind, name) => {
      const check = (): void => {
        if (RESOURCE_KINDS[kind].isNeeded(name, lookup())) throw conflict('another object needs it')
      }
      return change(caller, 'object.delete', kind, name, check, () =>
        deleteResource(options, kind, name)
      )
    }
  }
}
