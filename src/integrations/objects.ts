/**
 * What is configured of bots, providers and channels: those of `purser.yaml`, and those of run time, which are kept in memory as of
 * the last change by anyone. Rule: what the file names is the file's alone; a change is recorded before it is made; and no
 * answer holds a credential.
 */
import { createRecorder, type RecorderOptions } from '../audit/recorder.ts'
import type { Caller } from '../core/caller.ts'
import { refuseFaults } from '../core/object-fault.ts'
import { ProblemError } from '../core/problem.ts'
import type { ReferenceBook } from '../core/reference.ts'
import { TOPICS } from '../state/namespaces.ts'
import type { Shared } from '../state/shared.ts'
import {
  allObjects,
  deleteObject,
  type Entry,
  type ObjectEntries,
  putObject
} from './object-entries.ts'
import {
  type Around,
  noObjects,
  OBJECT_KINDS,
  type ObjectKind,
  type ObjectMaps,
  type ObjectTypes,
  type Surroundings
} from './object-kinds.ts'

type ByName<T> = ReadonlyMap<string, T>
/** By kind and name. */
export type ObjectsByKind = { readonly [K in ObjectKind]: ByName<ObjectTypes[K]> }

export interface ObjectCatalog {
  /** The same object for as long as it is unchanged where it is kept, or the file is not read anew. */
  readonly get: <K extends ObjectKind>(kind: K, name: string) => ObjectTypes[K] | undefined
  /** The file's in its order, then those of run time. */
  readonly all: <K extends ObjectKind>(kind: K) => readonly ObjectTypes[K][]
}

export interface ObjectsOptions
  extends RecorderOptions,
    ObjectEntries,
    Pick<Surroundings, 'guarded'> {
  /** Those of the file, and what references can lead to, as they are at the time of asking. */
  readonly configured: () => ObjectsByKind & { readonly book: ReferenceBook }
  /** Undefined where there are no other replicas. */
  readonly shared?: Pick<Shared, 'publish' | 'onMessage' | 'onReconnect'> | undefined
}

export interface Objects extends ObjectCatalog {
  readonly isOfFile: (kind: ObjectKind, name: string) => boolean
  /** Rejects with a ProblemError: all faults by pointer, or `conflict` for a name of the file. */
  readonly write: (
    caller: Caller,
    kind: ObjectKind,
    name: string,
    body: Readonly<Record<string, unknown>>
  ) => Promise<void>
  /** Resolves with whether there was one. Rejects with `conflict` for one of the file, or one that another one needs. */
  readonly remove: (caller: Caller, kind: ObjectKind, name: string) => Promise<boolean>
  /** Reads those of run time anew. */
  readonly refresh: () => Promise<void>
}

const { topic: TOPIC } = TOPICS.objects

const conflict = (detail: string): ProblemError => new ProblemError('conflict', { detail })

export const createObjects = (options: ObjectsOptions): Objects => {
  const { configured, shared, log } = options
  const recorder = createRecorder(options)
  const surroundings = { guarded: options.guarded, atRunTime: true }
  let atRunTime = noObjects()
  const bytesOf = new WeakMap<object, Buffer>()

  const ofFile = <K extends ObjectKind>(kind: K): ByName<ObjectTypes[K]> => {
    const inFile: ObjectsByKind = configured()
    return inFile[kind]
  }
  const ofRunTime = <K extends ObjectKind>(kind: K): ByName<ObjectTypes[K]> => atRunTime[kind]

  const get: ObjectCatalog['get'] = (kind, name) =>
    ofFile(kind).get(name) ?? ofRunTime(kind).get(name)
  const all: ObjectCatalog['all'] = (kind) => {
    const inFile = ofFile(kind)
    const others = [...ofRunTime(kind).values()].filter(({ name }) => !inFile.has(name))
    return [...inFile.values(), ...others]
  }
  const around = (): Around => ({
    book: configured().book,
    has: (kind, name) => get(kind, name) !== undefined,
    all
  })

  const take = <K extends ObjectKind>(into: ObjectMaps, kind: K, entry: Entry): void => {
    const { name, value, bytes } = entry
    const { object, faults } = OBJECT_KINDS[kind].parse(value, surroundings)
    if (object === undefined || value === undefined || faults.length > 0) {
      log('error', 'an object of run time cannot be used', { kind, object: name })
      return
    }
    if (ofFile(kind).has(name)) {
      log('warn', 'an object of run time is hidden by one of purser.yaml', { kind, object: name })
    }
    // An unchanged object stays the same JavaScript object, since other parts keep what they know of it in WeakMaps.
    const former = ofRunTime(kind).get(name)
    const isUnchanged = former !== undefined && bytesOf.get(former)?.equals(bytes)
    into[kind].set(name, isUnchanged ? former : object)
    if (!isUnchanged) bytesOf.set(object, bytes)
  }
  const load = async (): Promise<void> => {
    const loaded = noObjects()
    for await (const entry of allObjects(options)) take(loaded, entry.kind, entry)
    atRunTime = loaded
  }
  // One after the other; whoever asks while one waits to begin is served by that one, which will see every change so far.
  let last: Promise<void> = Promise.resolve()
  let waiting: Promise<void> | undefined
  const refresh = (): Promise<void> => {
    waiting ??= last.then(() => {
      waiting = undefined
      return load()
    })
    last = waiting.catch(() => {})
    return waiting
  }
  const refreshLater = (): void => {
    refresh().catch(() => log('error', 'the objects of run time could not be read'))
  }
  shared?.onMessage(TOPIC, refreshLater)
  shared?.onReconnect(refreshLater)

  const changed = async (): Promise<void> => {
    await refresh()
    await shared?.publish(TOPIC, '').catch(() => {
      log('warn', 'other replicas learn of a changed object when they are connected again')
    })
  }

  /** The intent is on record before anything changes, the result after it. */
  const onRecord = async <T>(
    caller: Caller,
    action: 'object.write' | 'object.delete',
    kind: ObjectKind,
    name: string,
    check: () => void,
    work: () => Promise<T>
  ): Promise<T> => {
    const object = `${OBJECT_KINDS[kind].word} ${name}`
    try {
      if (ofFile(kind).has(name)) throw conflict('purser.yaml has this name')
      check()
      await recorder.allowed(caller, action, undefined, { object, reason: 'intent' })
      const result = await work()
      await recorder.allowed(caller, action, undefined, { object })
      return result
    } catch (error) {
      throw await recorder.failed(caller, action, undefined, error, { object })
    }
  }

  const checkBody = <K extends ObjectKind>(
    kind: K,
    name: string,
    body: { readonly name: unknown }
  ): void => {
    const { parse, check } = OBJECT_KINDS[kind]
    if (body.name !== name) {
      const errors = [{ pointer: '/body/name', rule: 'const' }]
      throw new ProblemError('invalid_request', { errors })
    }
    const { object, faults } = parse(body, surroundings)
    refuseFaults([...faults, ...(object === undefined ? [] : check(object, around()))])
  }

  return {
    get,
    all,
    isOfFile: (kind, name) => ofFile(kind).has(name),
    refresh,

    write: (caller, kind, name, body) => {
      const value = { ...body, name: body['name'] ?? name }
      const check = (): void => checkBody(kind, name, value)
      return onRecord(caller, 'object.write', kind, name, check, async () => {
        await putObject(options, kind, name, value)
        await changed()
      })
    },

    remove: (caller, kind, name) => {
      const check = (): void => {
        if (OBJECT_KINDS[kind].isNeeded(name, around())) throw conflict('another object needs it')
      }
      return onRecord(caller, 'object.delete', kind, name, check, async () => {
        const wasThere = await deleteObject(options, kind, name)
        await changed()
        return wasThere
      })
    }
  }
}
