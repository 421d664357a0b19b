/**
 * The command connection with its deadline and its breaker. Rule: a call without an answer costs its caller the
 * deadline; once no call is answered in time all of them fail at once, until a probe of this process is answered. Every
 * error that leaves this file is a `SharedUnavailable`.
 */
import { every, type Loop } from './background.ts'
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
  /** Does the work before what is sent in this turn of the event loop goes out. */
  readonly beforeWrite: (work: () => void) => void
  /** That Redis refuses commands with this code is over: if it does so again, it is logged again. */
  readonly forgetRefusals: (code: string) => void
  readonly close: () => void
}

export interface LinkOptions {
  readonly address: RedisAddress
  readonly log: StateLog
  /** Called at every change between up and down. */
  readonly onChange: (isUp: boolean) => void
  /** How long a call waits for its answer. */
  readonly deadlineMs?: number | undefined
  readonly onCall?: OnCall | undefined
  /** Told of each command that Redis refuses, by the code. */
  readonly onRefused?: ((code: string) => void) | undefined
}

/** Told of each call that was sent: after how long it was over, and whether it was answered in time. */
export type OnCall = (durationMs: number, isAnswered: boolean) => void

const DEADLINE_MS = 50
const PROBE_EVERY_MS = 600
/** So many probes without an answer, and the connection is given up for a new one. */
const MAX_MISSED = 4

/** Replies which say that this connection is of no use for now; all others are about the one command. */
const OUTAGES = new Set(['READONLY', 'LOADING', 'MASTERDOWN', 'CLUSTERDOWN', 'NOAUTH'])

interface Connection {
  readonly client: RedisClient
  readonly log: StateLog
  readonly onChange: (isUp: boolean) => void
  readonly deadlineMs: number
  readonly onCall: OnCall | undefined
  readonly onRefused: ((code: string) => void) | undefined
  isUp: boolean
  isClosed: boolean
  isProbing: boolean
  missedProbes: number
  /** While it is down. */
  probing: Loop | undefined
  /** When a call was last answered within the deadline, as `performance.now` has it. */
  answeredAt: number
  isOutageLogged: boolean
  /** Codes that were logged since it came up. */
  readonly refusals: Set<string>
}

const logOutage = (connection: Connection, code: string): void => {
  if (connection.isUp || connection.isClosed || connection.isOutageLogged) return
  connection.isOutageLogged = true
  connection.log('warn', 'Redis does not answer: going on without it', { code })
}

const goDown = (connection: Connection, code: string): void => {
  if (!connection.isUp || connection.isClosed) return
  connection.isUp = false
  logOutage(connection, code)
  beginProbing(connection)
  connection.onChange(false)
}

const goUp = (connection: Connection): void => {
  if (connection.isUp || connection.isClosed) return
  connection.isUp = true
  connection.probing?.close()
  connection.missedProbes = 0
  connection.log('info', connection.isOutageLogged ? 'Redis answers again' : 'Redis answers')
  connection.isOutageLogged = false
  connection.refusals.clear()
  connection.onChange(true)
}

const probe = async (connection: Connection): Promise<void> => {
  const { client, deadlineMs, isUp, isClosed, isProbing } = connection
  if (isUp || isClosed || isProbing) return
  connection.isProbing = true
  try {
    if (client.status === 'ready') {
      await withDeadline(
        deadlineMs,
        () => ping(client),
        () => new SharedUnavailable()
      )
      goUp(connection)
      return
    }
  } catch (error) {
    // A denial is an answer all the same: what else is denied, the look at rights finds out.
    if (isDenied(error)) {
      goUp(connection)
      return
    }
    if (isReply(error)) logOutage(connection, codeOf(error))
  } finally {
    connection.isProbing = false
  }
  if (connection.isClosed || ++connection.missedProbes < MAX_MISSED) return
  connection.missedProbes = 0
  reconnect(client)
}

const beginProbing = (connection: Connection): void => {
  connection.probing = every(
    'probe of Redis',
    () => equalJitter(PROBE_EVERY_MS),
    () => probe(connection)
  )
}

/** What a failed command says of the connection. */
const judge = (connection: Connection, error: unknown): void => {
  const code = codeOf(error)
  if (!isReply(error) || OUTAGES.has(code)) {
    goDown(connection, code)
    return
  }
  connection.onRefused?.(code)
  if (connection.refusals.has(code)) return
  connection.refusals.add(code)
  connection.log('warn', 'Redis refuses a command: going on without it', { code })
}

const ask = <T>(
  connection: Connection,
  send: (client: RedisClient) => Promise<T>,
  withinMs: number
): Promise<T> =>
  new Promise((resolve, reject) => {
    const { client, deadlineMs, onCall } = connection
    const giveUp = (): void => reject(new SharedUnavailable())
    // A caller that wants to wait less says nothing of the connection.
    const cancelOwn = withinMs < deadlineMs ? after(withinMs, giveUp) : undefined
    const asked = performance.now()
    let isLate = false
    const cancel = after(deadlineMs, () => {
      isLate = true
      onCall?.(performance.now() - asked, false)
      giveUp()
      // Where others were answered meanwhile this one was unlucky: on a busy machine some are.
      if (connection.answeredAt < asked) goDown(connection, 'TIMEOUT')
    })
    const settle = (): void => {
      cancelOwn?.()
      cancel()
    }
    send(client).then(
      (answer) => {
        settle()
        if (!isLate) {
          connection.answeredAt = performance.now()
          onCall?.(connection.answeredAt - asked, true)
        }
        resolve(answer)
      },
      (error: unknown) => {
        settle()
        giveUp()
        if (!isLate) onCall?.(performance.now() - asked, false)
        judge(connection, error)
      }
    )
  })

export const createLink = (options: LinkOptions): Link => {
  const { address, log, onChange, deadlineMs = DEADLINE_MS, onCall, onRefused } = options
  const client = openClient(address, (code) => logOutage(connection, code))
  const connection: Connection = {
    client,
    log,
    onChange,
    deadlineMs,
    onCall,
    onRefused,
    isUp: false,
    isClosed: false,
    isProbing: false,
    missedProbes: 0,
    probing: undefined,
    answeredAt: 0,
    isOutageLogged: false,
    refusals: new Set()
  }
  const batch = createBatching(client)
  client.on('ready', () => void probe(connection))
  client.on('close', () => goDown(connection, 'CLOSED'))
  beginProbing(connection)

  return {
    isUp: () => connection.isUp,

    ask: (send, withinMs = deadlineMs) => {
      if (!connection.isUp) return Promise.reject(new SharedUnavailable())
      batch()
      return ask(connection, send, withinMs)
    },

    beforeWrite: batch,

    forgetRefusals: (code) => void connection.refusals.delete(code),

    close: () => {
      connection.isClosed = true
      connection.isUp = false
      connection.probing?.close()
      client.disconnect()
    }
  }
}
