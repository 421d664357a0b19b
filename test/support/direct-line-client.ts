/**
 * Microsoft's own client of Direct Line, in Node: what it expects of a browser, and a clock of the test's for its loops.
 * Nothing of the client is replaced.
 */
import { createRequire } from 'node:module'
import { DirectLine } from 'botframework-directlinejs'

// The client's HTTP is a browser's.
Object.assign(globalThis, {
  XMLHttpRequest: createRequire(import.meta.url)('xhr2')
})

interface Timer {
  readonly at: number
  readonly run: () => void
}

type Work = (this: HandAction, state: unknown) => void

interface HandAction {
  closed: boolean
  readonly schedule: (state: unknown, delay?: number) => HandAction
  readonly unsubscribe: () => void
}

export interface HandClock {
  readonly scheduler: {
    readonly now: () => number
    readonly schedule: (work: Work, delay?: number, state?: unknown) => HandAction
  }
  /** Milliseconds; whatever is due then runs. */
  readonly pass: (ms: number) => void
}

/** A scheduler in the form of RxJS 5, whose time only a test lets pass. */
export const createHandClock = (): HandClock => {
  let now = 0
  let timers: Timer[] = []
  const runDue = (): void => {
    const due = timers.filter(({ at }) => at <= now)
    timers = timers.filter(({ at }) => at > now)
    for (const { run } of due) run()
  }
  const start = (work: Work): HandAction => {
    const action: HandAction = {
      closed: false,
      schedule: (state, delay = 0) => {
        const run = (): void => {
          if (!action.closed) work.call(action, state)
        }
        timers.push({ at: now + delay, run })
        if (delay === 0) setImmediate(runDue)
        return action
      },
      unsubscribe: () => {
        action.closed = true
      }
    }
    return action
  }
  return {
    scheduler: {
      now: () => now,
      schedule: (work, delay, state) => start(work).schedule(state, delay)
    },
    pass: (ms) => {
      now += ms
      runDue()
    }
  }
}

/** As a page of Web Chat starts it, but polling: the fake has no streams. */
export const createClient = (token: string, domain: string, { scheduler }: HandClock) =>
  new DirectLine({
    token,
    domain,
    webSocket: false,
    pollingInterval: 200,
    // It asks for the class even where it is told not to use one.
    ...({ scheduler, WebSocket: class {} } as object)
  })
