/**
 * The command connection with its deadline and its breaker. Rule: a call without an answer costs its caller the deadline;
 * once nobody is answered in time all calls fail at once, until a probe of our own was answered. An error that leaves here is always
 * a `SharedUnavailable`.
 */
import { after, withDeadline } from './deadline.ts'
import type { StateLog } from './log.ts'
import {
  codeOf,
  createBatching,
  equalJitter,
  isDenied,
  isReply,
  openClient,
  ping,
  type RedisClient,
  reconnect
} from './redis-client.ts'
import type { RedisAddress } from './redis-url.ts'
import { SharedUnavailable } from './shared.ts'

export interface Link {
  readonly isUp: () => boolean
  /** Sends commands and waits for their answers, at most for the deadline, or `withinMs` if that is shorter. */
  readonly ask: <T>(
    send: (client: RedisClient) => Promise<T>,
    withinMs?: number | undefined
  ) => Promise<T>
  readonly close: () => void
}

export interface LinkOptions {
  readonly address: RedisAddress
  readonly log: StateLog
  /** Called at every change between up and down. */
  readonly onChange: (isUp: boolean) => void
  /** How long a call waits for its answer. */
  readonly deadlineMs?: number | undefined
}

export const DEADLINE_MS = 50
const PROBE_EVERY_MS = 600
/** So many probes without an answer, and the connection is given up for a new one. */
const MAX_MISSED = 4

/** Replies which say that this connection is of no use for now; all others are about the one command. */
const OUTAGES = new Set(['READONLY', 'LOADING', 'MASTERDOWN', 'CLUSTERDOWN', 'NOAUTH'])

export const createLink = (options: LinkOptions): Link => {
  const { address, log, onChange, deadlineMs = DEADLINE_MS } = options
  let isUp = false
  let isClosed = false
  let isProbing = false
  let missed = 0
  /** When a call was last answered within the deadline, as `performance.now` has it. */
  let answeredAt = 0
  let isOutageLogged = false
  const refusals = new Set<string>()
  let probeTimer: NodeJS.Timeout | undefined

  const logOutage = (code: string): void => {
    if (isUp || isClosed || isOutageLogged) return
    isOutageLogged = true
    log('warn', 'Redis does not answer: going on without it', { code })
  }
  const client = openClient(address, logOutage)
  const batch = createBatching(client)

  const goDown = (code: string): void => {
    if (!isUp || isClosed) return
    isUp = false
    logOutage(code)
    schedule()
    onChange(false)
  }

  const goUp = (): void => {
    if (isUp || isClosed) return
    isUp = true
    missed = 0
    log('info', isOutageLogged ? 'Redis answers again' : 'Redis answers')
    isOutageLogged = false
    refusals.clear()
    onChange(true)
  }

  const probe = async (): Promise<void> => {
    if (isUp || isClosed || isProbing) return
    isProbing = true
    try {
      if (client.status === 'ready') {
        await withDeadline(
          deadlineMs,
          () => ping(client),
          () => new SharedUnavailable()
        )
        goUp()
        return
      }
    } catch (error) {
      // An answer all the same: what else is denied is looked at then.
      if (isDenied(error)) {
        goUp()
        return
      }
      if (isReply(error)) logOutage(codeOf(error))
    } finally {
      isProbing = false
    }
    if (isClosed || ++missed < MAX_MISSED) return
    missed = 0
    reconnect(client)
  }

  const schedule = (): void => {
    clearTimeout(probeTimer)
    if (isClosed) return
    const next = (): void => {
      void probe().then(() => {
        if (!isUp) schedule()
      })
    }
    probeTimer = setTimeout(next, equalJitter(PROBE_EVERY_MS)).unref()
  }

  client.on('ready', () => void probe())
  client.on('close', () => goDown('CLOSED'))
  schedule()

  /** What a failed command says of the connection. */
  const judge = (error: unknown): void => {
    const code = codeOf(error)
    if (!isReply(error) || OUTAGES.has(code)) goDown(code)
    else if (!refusals.has(code)) {
      refusals.add(code)
      log('warn', 'Redis refuses a command: going on without it', { code })
    }
  }

  return {
    isUp: () => isUp,

    ask: (send, withinMs = deadlineMs) => {
      if (!isUp) return Promise.reject(new SharedUnavailable())
      batch()
      return new Promise((resolve, reject) => {
        const giveUp = (): void => reject(new SharedUnavailable())
        // A caller that wants to wait less says nothing of the connection.
        const cancelOwn = withinMs < deadlineMs ? after(withinMs, giveUp) : undefined
        const asked = performance.now()
        let isLate = false
        const cancel = after(deadlineMs, () => {
          isLate = true
          giveUp()
          // Where others were answered meanwhile this one was unlucky: on a busy machine some are.
          if (answeredAt < asked) goDown('TIMEOUT')
        })
        const settle = (): void => {
          cancelOwn?.()
          cancel()
        }
        send(client).then(
          (answer) => {
            settle()
            if (!isLate) answeredAt = performance.now()
            resolve(answer)
          },
          (error: unknown) => {
            settle()
            giveUp()
            judge(error)
          }
        )
      })
    },

    close: () => {
      isClosed = true
      isUp = false
      clearTimeout(probeTimer)
      client.disconnect()
    }
  }
}
