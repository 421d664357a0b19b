/**
 * Who is told that a secret changed. Rule: a watcher learns of what it may read and nothing of any value; its key and the
 * policy are asked at the start, before each event and at each heartbeat, and whoever lost a right is told no more.
 */
import { createRecorder, type RecorderOptions } from '../audit/recorder.ts'
import type { InvalidationNotice } from '../cache/secret-cache.ts'
import type { Caller } from '../core/caller.ts'
import { denied, ProblemError, toProblem } from '../core/problem.ts'
import { formatReference, type Reference } from '../core/reference.ts'
import type { Keyring } from '../crypto/keyring.ts'
import type { Rules } from '../secrets/caller.ts'
import { authorize, parseWanted } from '../secrets/decision.ts'
import { spellingsIn } from '../secrets/stores.ts'
import { traceOf } from '../state/log.ts'
import { createChanges, watchedNames } from './changes.ts'

export interface Listener {
  /** What these references lead to may be new. */
  readonly changed: (id: string, refs: readonly string[]) => void
  /** What changed since the id that was given is not known: everything may be new. */
  readonly reset: (id: string) => void
  /** Whoever has this id was told everything before it. */
  readonly beat: (id: string) => void
  readonly end: () => void
}

export interface WatchRequest {
  readonly refs: readonly string[]
  /** The last that the watcher has, if it was here before. */
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
  readonly open: (caller: Caller, request: WatchRequest, listener: Listener) => Promise<() => void>
  readonly invalidated: (what: 'all' | InvalidationNotice) => void
  /** Lets nobody in from now on, so that who comes again goes elsewhere. */
  readonly drain: () => void
  /** Ends all watchers besides. */
  readonly close: () => void
  readonly count: () => number
}

interface Watched {
  readonly text: string
  readonly reference: Reference
  names: readonly string[]
}

interface Watcher {
  readonly caller: Caller
  readonly watched: readonly Watched[]
  readonly request: WatchRequest
  readonly listener: Listener
}

export const WATCHERS_PER_KEY = 10
export const WATCHERS_MAX = 1_000
const RETRY_AFTER = 30

export const createWatch = (options: WatchOptions): Watch => {
  const { rules, keyring, heartbeatMs, log } = options
  const recorder = createRecorder(options)
  const changes = createChanges()
  const watchers = new Map<Watcher, NodeJS.Timeout>()
  /** Whoever is let in counts from the first moment. */
  const perKey = new Map<string, number>()
  let count = 0
  let isDraining = false
  let kids = ''
  let stores: Rules['stores'] | undefined

  const readable = (caller: Caller, text: string): Reference => {
    const current = rules()
    const reference = parseWanted(current, caller, { text })
    return authorize(current, caller, 'read', reference).reference
  }

  /** The references, once all are allowed and on record. */
  const decide = async (caller: Caller, refs: readonly string[]): Promise<Watched[]> => {
    const watched: Watched[] = []
    const failures: { readonly reference: Reference | undefined; readonly error: unknown }[] = []
    for (const text of new Set(refs)) {
      let reference: Reference | undefined
      try {
        const current = rules()
        reference = parseWanted(current, caller, { text })
        const allowed = authorize(current, caller, 'read', reference)
        watched.push({ text, reference: allowed.reference, names: [] })
      } catch (error) {
        failures.push({ reference, error })
      }
    }
    if (failures.length > 0) {
      const problems = await Promise.all(
        failures.map(({ reference, error }) =>
          recorder.failed(caller, 'events.open', reference, error)
        )
      )
      throw problems.find(({ code }) => code === 'access_denied') ?? problems[0]
    }
    await Promise.all(
      watched.map(({ reference }) => recorder.allowed(caller, 'events.open', reference))
    )
    return watched
  }

  const takePlace = ({ keyId = '' }: Caller): (() => void) => {
    const taken = perKey.get(keyId) ?? 0
    if (isDraining || count >= WATCHERS_MAX) throw new ProblemError('overloaded')
    if (taken >= WATCHERS_PER_KEY) {
      throw new ProblemError('rate_limited', { retryAfter: RETRY_AFTER })
    }
    perKey.set(keyId, taken + 1)
    count++
    let isTaken = true
    return () => {
      if (!isTaken) return
      isTaken = false
      count--
      const left = (perKey.get(keyId) ?? 1) - 1
      if (left === 0) perKey.delete(keyId)
      else perKey.set(keyId, left)
    }
  }

  /** A rotation of the encryption key gives everything other names, and so may a store of another kind under the same name. */
  const renameAll = (): void => {
    const now = keyring().kids.join()
    const { stores: current } = rules()
    if (now === kids && current === stores) return
    if (now !== kids && kids !== '') changes.forget()
    kids = now
    stores = current
    for (const { watched } of watchers.keys()) watched.forEach(rename)
  }
  const rename = (one: Watched): void => {
    const { store, path } = one.reference
    const { heard } = spellingsIn(rules().stores, store, one.reference)
    one.names = watchedNames(keyring(), store, path, heard)
  }

  const mayKnow = ({ caller, request }: Watcher, watched: readonly Watched[]): boolean => {
    try {
      return (
        request.isAccepted() &&
        // A name of the configuration may lead elsewhere by now: what stands there was not asked for.
        watched.every(
          ({ text, reference }) =>
            formatReference(readable(caller, text)) === formatReference(reference)
        )
      )
    } catch {
      return false
    }
  }

  const touched = (watcher: Watcher, names: ReadonlySet<string> | undefined): Watched[] =>
    watcher.watched.filter(
      (one) => names === undefined || one.names.some((name) => names.has(name))
    )

  const leave = (watcher: Watcher): void => {
    clearInterval(watchers.get(watcher))
    watchers.delete(watcher)
  }
  const end = (watcher: Watcher): void => {
    leave(watcher)
    watcher.listener.end()
  }
  /** Decided against it, which is on record like the decision for it. */
  const lose = (watcher: Watcher): void => {
    end(watcher)
    const lost = watcher.request.isAccepted() ? 'right_lost' : 'key_lost'
    const [first] = watcher.watched
    recorder.failed(watcher.caller, 'events.end', first?.reference, denied(lost)).catch(() => {})
  }

  const tell = (watcher: Watcher, names: ReadonlySet<string> | undefined): void => {
    const news = touched(watcher, names)
    if (news.length === 0) return
    const refs = news.map(({ text }) => text)
    if (mayKnow(watcher, news)) watcher.listener.changed(changes.newId(), refs)
    else lose(watcher)
  }

  /** The failure of one is its own: the others are told, and whoever told of the change goes on. */
  const alone = (watcher: Watcher, work: () => void): void => {
    try {
      work()
    } catch (error) {
      log('error', 'a watcher could not be told', traceOf(error))
      leave(watcher)
      try {
        watcher.listener.end()
      } catch {
        // Its place is free again, and there is nothing more to be done for it.
      }
    }
  }

  const beat = (watcher: Watcher): void => {
    renameAll()
    if (mayKnow(watcher, watcher.watched)) watcher.listener.beat(changes.newId())
    else lose(watcher)
  }

  /** What it missed, each reference once, and where it stands. */
  const catchUp = (watcher: Watcher): void => {
    const { lastId } = watcher.request
    const missed = lastId === undefined ? [] : changes.since(lastId)
    if (missed === undefined) {
      watcher.listener.reset(changes.newId())
      return
    }
    const names = missed.flatMap((change) => change ?? [])
    const isAll = missed.includes(undefined)
    tell(watcher, isAll ? undefined : new Set(names))
    if (watchers.has(watcher)) watcher.listener.beat(changes.newId())
  }

  return {
    check: async (caller, refs) => {
      await decide(caller, refs)
    },

    open: async (caller, request, listener) => {
      const givePlaceBack = takePlace(caller)
      try {
        const watched = await decide(caller, request.refs)
        if (isDraining) throw new ProblemError('overloaded')
        renameAll()
        watched.forEach(rename)
        const end = () => {
          givePlaceBack()
          listener.end()
        }
        const watcher = { caller, watched, request, listener: { ...listener, end } }
        watchers.set(
          watcher,
          setInterval(() => alone(watcher, () => beat(watcher)), heartbeatMs).unref()
        )
        catchUp(watcher)
        return () => {
          leave(watcher)
          givePlaceBack()
        }
      } catch (error) {
        givePlaceBack()
        throw toProblem(error)
      }
    },

    invalidated: (what) => {
      renameAll()
      const names = changes.add(what)
      const named = names && new Set(names)
      for (const watcher of [...watchers.keys()]) alone(watcher, () => tell(watcher, named))
    },

    drain: () => {
      isDraining = true
    },

    close: () => {
      isDraining = true
      for (const watcher of [...watchers.keys()]) alone(watcher, () => end(watcher))
    },

    count: () => count
  }
}
