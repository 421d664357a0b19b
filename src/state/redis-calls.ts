/**
 * Calls to Redis for what has to be there: they wait for the connection and for the answer, up to a second in all.
 * Rule: they fail with a sentence and a code, and never with what the library says, which would show arguments and the
 * URL.
 */
import { withDeadline } from './deadline.ts'
import { codeOf, isReply, openClient, type RedisClient, reconnect } from './redis-client.ts'
import type { OnCall } from './redis-link.ts'
import type { RedisAddress } from './redis-url.ts'

const DEADLINE_MS = 1_000

export interface RedisCalls {
  /** Rejects with an `Error` whose message is a sentence without its full stop, and which has a `code`. */
  readonly call: <T>(send: (client: RedisClient) => Promise<T>) => Promise<T>
  readonly close: () => Promise<void>
}

export interface RedisCallsOptions {
  readonly onCall?: OnCall | undefined
  /** Told of each command that Redis refuses, by the code. */
  readonly onRefused?: ((code: string) => void) | undefined
  /** How long a call may take, connecting included. */
  readonly deadlineMs?: number | undefined
}

export const createRedisCalls = (
  address: RedisAddress,
  { onCall, onRefused, deadlineMs = DEADLINE_MS }: RedisCallsOptions = {}
): RedisCalls => {
  let lastCode = 'TIMEOUT'
  /** Why the connection was given up, since the last answer; a call that it takes along knows only that it is closed. */
  let cause: string | undefined
  let isClosed = false
  const client = openClient(address, (code) => {
    lastCode = code
    if (code !== 'CLOSED') cause = code
  })

  const failed = (what: string, code: string): Error =>
    Object.assign(new Error(`the state in Redis ${what} (${code})`), { code })
  const silent = (code: string): Error => failed('does not answer', code)

  let waiting: Promise<void> | undefined
  /** One wait for all, however many calls an outage meets. */
  const ready = (): Promise<void> => {
    if (client.status === 'ready') return Promise.resolve()
    waiting ??= new Promise<void>((resolve) => {
      client.once('ready', () => resolve())
    }).then(() => {
      waiting = undefined
    })
    return waiting
  }

  return {
    call: async (send) => {
      if (isClosed) throw new Error('the state is closed')
      const began = performance.now()
      const told = (isAnswered: boolean) => onCall?.(performance.now() - began, isAnswered)
      let isLate = false
      const late = (): Error => {
        isLate = true
        return silent(lastCode)
      }
      const attempt = async (): ReturnType<typeof send> => {
        await ready()
        // Nobody waits any more: what is sent now would be done behind everybody's back.
        if (isLate) throw late()
        lastCode = 'TIMEOUT'
        return send(client)
      }
      try {
        const answer = await withDeadline(deadlineMs, attempt, late)
        told(true)
        cause = undefined
        return answer
      } catch (error) {
        told(false)
        if (isLate) {
          if (!isClosed) reconnect(client)
          throw error
        }
        const code = codeOf(error)
        if (!isReply(error)) throw silent(code === 'CLOSED' ? (cause ?? code) : code)
        onRefused?.(code)
        throw failed('refuses the command', code)
      }
    },

    close: async () => {
      isClosed = true
      client.disconnect()
    }
  }
}
