/**
 * Who is told that a secret changed. Rule: a watcher learns of what it may read and nothing of any value; its key and
 * the policy are asked at the start, before each event, at each heartbeat and when a rule ends, and whoever lost a
 * right is told no more.
 */
import { createRecorder, type Recorder, type RecorderOptions } from '../audit/recorder.ts'
import type { InvalidationNotice } from '../cache/origin.ts'
import type { Caller } from '../core/caller.ts'
import { denied, ProblemError, toProblem } from '../core/problem.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { spellingsIn } from '../secrets/stores.ts'
import type { Rules } from '../secrets/terms.ts'
import { every, type Loop } from '../state/background.ts'
import { traceOf } from '../state/log.ts'
import { type Changes, createChanges, watchedNames } from './changes.ts'
import { createWatchLimit } from './watch-limit.ts'
import { areReadable, decideOnAll, remainingMs, type Watched } from './watched.ts'

export interface WatchListener {
  /** What these references lead to may be new. */
  readonly changed: (id: string, refs: readonly string[]) => void
  /** What changed since the id that was given is not known: everything may be new. */
  readonly reset: (id: string) => void
  /** A watcher that has this id was told everything before it. */
  readonly beat: (id: string) => void
  readonly end: () => void
}

export interface WatchRequest {
  readonly refs: readonly string[]
  /** The last id that the watcher was given, if it was here before. */
  readonly lastId?: string | undefined
  /** Whether the caller's key is still accepted. */
  readonly isAccepted: () => boolean
}

export interface WatchOptions extends RecorderOptions {
  readonly rules: () => Rules
  readonly keyring: () => Keyring
  readonly heartbeatMs: number
}

export interface Watch {
  /** Decides and records, as opening does, and opens nothing. Rejects with a ProblemError. */
  readonly check: (caller: Caller, refs: readonly string[]) => Promise<void>
  /** Resolves with how to leave. Rejects with a ProblemError. */
  readonly open: (
    caller: Caller,
    request: WatchRequest,
    listener: WatchListener
  ) => Promise<() => void>
  readonly invalidated: (what: 'all' | InvalidationNotice) => void
  /** Lets nobody in from now on, so that a client which connects again finds another replica. */
  readonly drain: () => void
  /** Drains, and ends all watchers. */
  readonly close: () => void
  readonly count: () => number
}

interface Watcher {
  readonly caller: Caller
  readonly watched: readonly Watched[]
  readonly request: WatchRequest
  readonly listener: WatchListener
}

interface Watching {
  readonly options: WatchOptions
  readonly recorder: Recorder
  readonly changes: Changes
  /** Each with the timer of its heartbeat. */
  readonly watchers: Map<Watcher, Loop>
  /** The ids of the encryption keys, and the stores, from which the names of all that is watched were made. */
  kids: string
  stores: Rules['stores'] | undefined
}

const rename = ({ options }: Watching, one: Watched): void => {
  const keyring = options.keyring()
  const { store, path } = one.reference
  const { heard } = spellingsIn(options.rules().stores, store, one.reference)
  one.names = watchedNames(keyring, store, path, heard)
}

/**
 * A rotation of the encryption key gives everything other names, and so may a store of another kind under the same
 * name.
 */
const renameAll = (watching: Watching): void => {
  const { options, changes, watchers } = watching
  const kids = options.keyring().kids.join()
  const { stores } = options.rules()
  if (kids === watching.kids && stores === watching.stores) return
  if (kids !== watching.kids && watching.kids !== '') changes.forget()
  watching.kids = kids
  watching.stores = stores
  for (const { watched } of watchers.keys()) for (const one of watched) rename(watching, one)
}

const mayKnow = (
  { options }: Watching,
  { caller, request }: Watcher,
  watched: readonly Watched[]
): boolean => request.isAccepted() && areReadable(options.rules(), caller, watched)

const leave = ({ watchers }: Watching, watcher: Watcher): void => {
  watchers.get(watcher)?.close()
  watchers.delete(watcher)
}

const end = (watching: Watching, watcher: Watcher): void => {
  leave(watching, watcher)
  watcher.listener.end()
}

/** Ends a watcher that may know no more: that is a decision, and on record like the one that let it in. */
const dismiss = (watching: Watching, watcher: Watcher): void => {
  end(watching, watcher)
  const { caller, request, watched } = watcher
  const lost = request.isAccepted() ? 'right_lost' : 'key_lost'
  const reference = watched[0]?.reference
  watching.recorder.failed(caller, 'events.end', reference, denied(lost)).catch(() => {})
}

/** Tells which of its references have one of the names; all of them where the names are undefined. */
const tell = (
  watching: Watching,
  watcher: Watcher,
  names: ReadonlySet<string> | undefined
): void => {
  const changed = watcher.watched.filter(
    (one) => names === undefined || one.names.some((name) => names.has(name))
  )
  if (changed.length === 0) return
  const refs = changed.map(({ text }) => text)
  if (!mayKnow(watching, watcher, changed)) dismiss(watching, watcher)
  else watcher.listener.changed(watching.changes.newId(), refs)
}

/** The failure of one watcher is its own: the others are told, and whoever told of the change goes on. */
const alone = (watching: Watching, watcher: Watcher, work: () => void): void => {
  try {
    work()
  } catch (error) {
    watching.options.log('error', 'a watcher could not be told', traceOf(error))
    leave(watching, watcher)
    try {
      watcher.listener.end()
    } catch {
      // Its place is free again, and there is nothing more to be done for it.
    }
  }
}

const beat = (watching: Watching, watcher: Watcher): void => {
  renameAll(watching)
  if (!mayKnow(watching, watcher, watcher.watched)) dismiss(watching, watcher)
  else watcher.listener.beat(watching.changes.newId())
}

/** Tells what the watcher missed, each reference once, and an id from which to go on. */
const catchUp = (watching: Watching, watcher: Watcher): void => {
  const { changes, watchers } = watching
  const { lastId } = watcher.request
  const missed = lastId === undefined ? [] : changes.since(lastId)
  if (missed === undefined) {
    watcher.listener.reset(changes.newId())
    return
  }
  const names = missed.flatMap((change) => change ?? [])
  tell(watching, watcher, missed.includes(undefined) ? undefined : new Set(names))
  if (watchers.has(watcher)) watcher.listener.beat(changes.newId())
}

const start = (watching: Watching, watcher: Watcher): void => {
  const { options, watchers } = watching
  renameAll(watching)
  for (const one of watcher.watched) rename(watching, one)
  const onBeat = (): void => alone(watching, watcher, () => beat(watching, watcher))
  // Sooner where a rule ends before.
  const nextBeat = (): number =>
    Math.min(options.heartbeatMs, remainingMs(options.rules(), watcher.caller, watcher.watched))
  watchers.set(watcher, every('heartbeat of a watcher', nextBeat, onBeat))
  catchUp(watching, watcher)
}

export const createWatch = (options: WatchOptions): Watch => {
  const recorder = createRecorder(options)
  const changes = createChanges()
  const watchers: Watching['watchers'] = new Map()
  const watching: Watching = { options, recorder, changes, watchers, kids: '', stores: undefined }
  const limit = createWatchLimit()
  let isDraining = false

  return {
    check: async (caller, refs) => {
      await decideOnAll(options.rules, recorder, caller, refs)
    },

    open: async (caller, request, listener) => {
      if (isDraining) throw new ProblemError('overloaded')
      const givePlaceBack = limit.takePlace(caller.keyId ?? '')
      try {
        const watched = await decideOnAll(options.rules, recorder, caller, request.refs)
        if (isDraining) throw new ProblemError('overloaded')
        const end = () => {
          givePlaceBack()
          listener.end()
        }
        const watcher = { caller, watched, request, listener: { ...listener, end } }
        start(watching, watcher)
        return () => {
          leave(watching, watcher)
          givePlaceBack()
        }
      } catch (error) {
        givePlaceBack()
        throw toProblem(error)
      }
    },

    invalidated: (what) => {
      renameAll(watching)
      const change = changes.add(what)
      const names = change && new Set(change)
      for (const watcher of [...watchers.keys()]) {
        alone(watching, watcher, () => tell(watching, watcher, names))
      }
    },

    drain: () => {
      isDraining = true
    },

    close: () => {
      isDraining = true
      for (const watcher of [...watchers.keys()]) {
        alone(watching, watcher, () => end(watching, watcher))
      }
    },

    count: limit.count
  }
}
