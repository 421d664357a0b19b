/** What a Redis is sent, as its MONITOR tells. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'
import { eventually, type RedisServer } from './redis.ts'

type Commands = Readonly<Record<string, number>>

export interface RedisMonitor {
  /**
   * What was sent until the work was done and so much had come, or two seconds later: `SET lease`, by command and kind of key
   * (namespaces.ts), with how often. A script counts as one, without what it does inside.
   */
  readonly during: (work: () => Promise<unknown>, least?: Commands) => Promise<Commands>
  /** Bytes to Redis and from it until the work was done, those of MONITOR left out. */
  readonly bytesDuring: (work: () => Promise<unknown>) => Promise<{ in: number; out: number }>
}

const SOON_MS = 2_000

/** `+<time> [<database> <address>] "<command>" "<argument>"`. */
const LINE = /^\+\S+ \[\d+ (\S+)\] (.*)$/
const WORD = /"((?:\\.|[^"\\])*)"/g

/** What stands between REDIS_KEY_PREFIX and the next sign. */
const kindOf = (key: string): string => /^purser:\{?([a-z]+)/.exec(key)?.[1] ?? ''

const nameOf = ([command = '', ...given]: readonly string[]): string => {
  // `messages` is the channel; the names of the state have braces around what they begin with.
  const name = command.toUpperCase()
  const key = name === 'EVAL' ? given[2] : given[0]
  return `${name} ${kindOf(key ?? '')}`.trim()
}

export const monitorRedis = async (t: Test, redis: RedisServer): Promise<RedisMonitor> => {
  const client = redis.client()
  let counts: Record<string, number> = {}
  let marks = 0

  const hear = (line: string): void => {
    const [, source = '', rest = ''] = LINE.exec(line) ?? []
    const name = nameOf([...rest.matchAll(WORD)].map(([, word = '']) => word))
    if (name === 'ECHO') marks++
    else if (name !== '' && source !== 'lua') counts[name] = (counts[name] ?? 0) + 1
  }
  // ioredis loses count of its own commands if another client's is told before MONITOR is answered.
  const listen = async (): Promise<Socket> => {
    const monitor = connect(redis.port, '127.0.0.1')
    t.teardown(() => monitor.destroy())
    await once(monitor, 'connect')
    createInterface(monitor).on('line', hear)
    monitor.write('MONITOR\r\n')
    return monitor
  }
  /** Redis tells in its order: what came before the mark has been told when the mark is. */
  const mark = async (): Promise<void> => {
    const before = marks
    await eventually(async () => {
      await client.echo('mark')
      return marks > before
    })
  }
  const netBytes = async (): Promise<{ in: number; out: number }> => {
    const info = await client.info('stats')
    const of = (way: string): number =>
      Number(new RegExp(`total_net_${way}_bytes:(\\d+)`).exec(info)?.[1])
    return { in: of('input'), out: of('output') }
  }

  return {
    during: async (work, least = {}) => {
      const monitor = await listen()
      try {
        await mark()
        counts = {}
        await work()
        const hasCome = () =>
          Object.entries(least).every(([name, count]) => (counts[name] ?? 0) >= count)
        await eventually(hasCome, SOON_MS).catch(() => {})
        await mark()
        return Object.fromEntries(Object.entries(counts).sort())
      } finally {
        monitor.destroy()
      }
    },

    bytesDuring: async (work) => {
      const before = await netBytes()
      await work()
      const after = await netBytes()
      return { in: after.in - before.in, out: after.out - before.out }
    }
  }
}
