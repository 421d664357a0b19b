/**
 * Time that passes from event to event, and chance from a seed: hundreds of replicas live for an hour in a few seconds of
 * this process, and each time alike. Rule: the code runs as it is; timers, `performance.now` and `Math.random` of this
 * process are simulated while the work runs, so one simulation runs at a time, and nothing in it may wait for a real peer.
 */
import { syncBuiltinESMExports } from 'node:module'
import timersPromises from 'node:timers/promises'
import { randomFrom } from './random.ts'

export interface SimulatedTime {
  /** Milliseconds since the simulation began. */
  readonly passed: () => number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** From 0 to 1, as the seed has it. */
  readonly random: () => number
  /** Calls back so many milliseconds from now; what it gives cancels that. */
  readonly after: (ms: number, callBack: () => void) => () => void
  readonly sleep: (ms: number) => Promise<void>
}

interface Event {
  readonly at: number
  /** Of events at one time the one that was asked for first comes first. */
  readonly order: number
  run: (() => void) | undefined
}

interface Timer {
  readonly ref: () => Timer
  readonly unref: () => Timer
  readonly hasRef: () => boolean
  readonly refresh: () => Timer
  readonly cancel: () => void
}

/** A whole hour, where every window of the limits begins. */
const BEGAN = Date.UTC(2026, 0, 1)

const isBefore = (a: Event, b: Event): boolean =>
  a.at < b.at || (a.at === b.at && a.order < b.order)

/** A binary heap, the next event first. */
const createQueue = () => {
  const heap: Event[] = []
  const swap = (i: number, j: number): void => {
    const [a, b] = [heap[i], heap[j]]
    if (a === undefined || b === undefined) return
    heap[i] = b
    heap[j] = a
  }
  const comesFirst = (i: number, j: number): boolean => {
    const [a, b] = [heap[i], heap[j]]
    return a !== undefined && b !== undefined && isBefore(a, b)
  }
  return {
    push: (event: Event): void => {
      let i = heap.push(event) - 1
      for (let parent = (i - 1) >> 1; i > 0 && comesFirst(i, parent); parent = (i - 1) >> 1) {
        swap(i, parent)
        i = parent
      }
    },
    pop: (): Event | undefined => {
      swap(0, heap.length - 1)
      const event = heap.pop()
      for (let i = 0; ; ) {
        const [left, right] = [2 * i + 1, 2 * i + 2]
        const least = comesFirst(right, left) ? right : left
        if (!comesFirst(least, i)) return event
        swap(i, least)
        i = least
      }
    }
  }
}

type Given = readonly unknown[]

const timersOver = (after: SimulatedTime['after']) => {
  const start = (callBack: (...given: Given) => void, ms: number, given: Given): Timer => {
    const begin = () => after(ms, () => callBack(...given))
    let cancel = begin()
    const timer: Timer = {
      ref: () => timer,
      unref: () => timer,
      hasRef: () => false,
      refresh: () => {
        cancel()
        cancel = begin()
        return timer
      },
      cancel: () => cancel()
    }
    return timer
  }
  /** Of a real timer, which somebody began before, nothing is known here. */
  const stop =
    (stopReal: (timer: never) => void) =>
    (timer: Timer | undefined): void => {
      if (timer !== undefined && 'cancel' in timer) timer.cancel()
      else stopReal(timer as never)
    }
  return {
    setTimeout: (callBack: () => void, ms = 1, ...given: Given) =>
      start(callBack, Math.max(1, ms), given),
    setImmediate: (callBack: () => void, ...given: Given) => start(callBack, 0, given),
    clearTimeout: stop(clearTimeout),
    clearImmediate: stop(clearImmediate)
  }
}

/** Puts the members into the object; what it gives puts back what was there. */
const replace = (where: object, members: object): (() => void) => {
  const former = Object.entries(members).map(
    ([name]) => [name, Object.getOwnPropertyDescriptor(where, name)] as const
  )
  Object.assign(where, members)
  return () => {
    for (const [name, descriptor] of former) {
      if (descriptor === undefined) Reflect.deleteProperty(where, name)
      else Object.defineProperty(where, name, descriptor)
    }
  }
}

/** Runs the work in simulated time, to its end. Rejects where it waits for what never comes. */
export const simulate = async <T>(
  seed: number,
  work: (time: SimulatedTime) => Promise<T>
): Promise<T> => {
  const queue = createQueue()
  const turn = setImmediate
  let passed = 0
  let order = 0
  const after: SimulatedTime['after'] = (ms, callBack) => {
    const event: Event = { at: passed + Math.max(0, ms), order: order++, run: callBack }
    queue.push(event)
    return () => {
      event.run = undefined
    }
  }
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => void after(ms, resolve))
  const random = randomFrom(seed)
  const replaced = [
    replace(globalThis, timersOver(after)),
    replace(timersPromises, { setTimeout: sleep, setImmediate: () => sleep(0) }),
    replace(performance, { now: () => passed }),
    replace(Math, { random })
  ]
  syncBuiltinESMExports()
  try {
    let isDone = false
    const done = work({ passed: () => passed, now: () => BEGAN + passed, random, after, sleep })
    const settle = (): void => {
      isDone = true
    }
    done.then(settle, settle)
    for (;;) {
      // Everything that follows from an event at once, follows before the next one.
      await new Promise((resolve) => turn(resolve))
      if (isDone) return await done
      const event = queue.pop()
      if (event === undefined) throw new Error('it waits for what never comes')
      if (event.run === undefined) continue
      passed = event.at
      event.run()
    }
  } finally {
    for (const putBack of replaced) putBack()
    syncBuiltinESMExports()
  }
}
